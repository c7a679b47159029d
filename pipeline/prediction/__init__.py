"""Answers of a pushed model for whole files or tables.

job.py        here: checks what was asked, starts a process, tells what it did
score.py      that process: rows in, rows with the model's answer out
scorer.py     the model: which columns it reads, what it answers
contract.py   what the curated schema demands of a row
output.py     files that appear complete or not at all
vertex.py     there: a batch prediction job of Vertex AI
"""
