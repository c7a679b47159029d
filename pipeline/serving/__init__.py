"""A pushed model asked for answers: before the push, and for whole files.

check     asks a saved model for answers, in a fresh process
contract  what the schema demands of a row
identity  which model a SavedModel is, whatever TensorFlow writes around it
job       scores files here, in a process of its own
output    files that appear complete or not at all
report    what the check measured
score     that process: rows in, rows with the answer out
scorer    the model: its columns, its answers
"""
