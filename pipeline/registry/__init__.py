"""Versions of the pushed model, who is champion, and every move with its reason.

decisions  a wish -> the move that it takes, or why not
journal    moves.jsonl: who moved what, and why
local      a serving folder as a registry
manifest   the digest of each file of a version
pointer    models.config, which TensorFlow Serving reads
versions   records: a version, its origin, a move
"""
