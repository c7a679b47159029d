"""Versions of the pushed model, who is champion, and every move with its reason.

versions.py       records: Version, Origin, Move; what a registry can do
moving.py         a wish (promote, roll back) -> the move that it takes, or why not
manifest.py       the digest of each file of a version, inside the version
pointer.py        models.config, which TensorFlow Serving reads: who is served
journal.py        moves.jsonl: who moved what, and why
local.py          a serving folder as a registry
vertex.py         Vertex AI's Model Registry
vertex_models.py  its records, there and back
vertex_moves.py   its moves, in Vertex ML Metadata
places.py         which of them a configuration means
"""
