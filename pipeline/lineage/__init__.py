"""An auditor's questions, answered from the metadata store alone.

Not one of them imports TFX or ml_metadata to read; metadata/ opens the store.

trace      everything upstream of a model
impact     which models learned from this data
diff       only what differs between two models
history    runs, show, champion and timeline
why        why a model was or was not pushed
verify     are the bytes those that were recorded?
reproduce  what it takes to make a model again
orphans    where store and disk do not agree
retention  which payloads may go, and dropping them
moves      what people moved where models are served, into the store too
names      which pipeline, run, model or data is meant
graph      upwards and downwards through the events
facts      records in the words of an answer
answers    what a question gives back
render/    an answer as a table, a tree, JSON, Mermaid, DOT
__main__   python -m pipeline.lineage
"""
