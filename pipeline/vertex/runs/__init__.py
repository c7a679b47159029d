"""Runs on Vertex AI: submitted, followed, ended, shown.

checks         what must be true before a job starts
ending         how it ended, in a local run's word
following      a job, looked at until it ends
listing        runs as rows
log_queries    where a run's logs are
override       a refused run's job again, with a person's word
progress       what the terminal shows of it
report_source  the runs on Vertex, as a report's source
request        a compiled job -> the request that starts it
spending       what a job took: seconds, machine-hours, money
spending_view  as a person or a program reads it
submission     what is submitted: compiled now, or a file
"""
