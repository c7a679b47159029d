"""An auditor's questions, answered from the metadata store alone.

records      what a store holds, as plain values; the protocol of a store
connections  opens SQLite, MySQL or PostgreSQL to be read
sql          MLMD's tables
library      the same by ml_metadata's library, to be written
ownership    what this output root made, in a shared store
memory       records in memory, for `vertex`: Vertex ML Metadata
graph        upwards and downwards through the events
names        which pipeline, run, model or data is meant
answers      what a question gives back; render: as table, tree, JSON, Mermaid, DOT
The questions: trace, impact, diff, history (runs, show, champion, timeline), why,
verify, reproduce, orphans. Not one of them imports TFX or ml_metadata to read.
"""
