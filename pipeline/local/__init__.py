"""A run on this machine, from the lock to the summary.

announce      an override's word, to record, people and page
cache         explains a hit or a miss
exits         who ends the process in a run fails it
launch        the compiled nodes, one by one
log_file      the libraries' noise goes to a file
next_command  what a person most likely types now
outputs       what nodes put out: synced, recorded, compared before a hit
override      a refused model goes out by a person's word
refused       a run that a person may override, or why not
results       rows, metrics, verdict and push of a run
run           the life of a run, from the lock to the summary
selection     --from, --to, --only
settlement    a push whose record was cut off gets its end
terminal      what the terminal shows
unchanged     did anything change since the last run?
"""
