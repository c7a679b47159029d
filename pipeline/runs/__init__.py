"""What a run leaves: its folder, its ending, its outcome, its rows.

ending   what people are told of how a run ended
folder   the folder of a run: its id, its files, who is in it
outcome  the one word for how a run ended
rows     how many rows each node took and put out
run_id   the id of a run on Vertex, from where it writes
"""
