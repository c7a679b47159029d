"""What a run leaves: its folder, its ending, its outcome, its rows.

facts     what people are told of how a run ended
folder    the folder of a run: its id, its files, who is in it
metrics   metrics.json: what was measured on each slice
node_run  what became of one node
not_numbers  NaN and infinity in a column, taken as missing
outcome   the one word for how a run ended
rows      how many rows each node took and put out
run_id    the id of a run on Vertex, from where it writes
start     what is known of a run when it begins
summary   summary.json: all of a run that was not cut off
verdict   verdict.json: the checks, the word, the reasons
"""
