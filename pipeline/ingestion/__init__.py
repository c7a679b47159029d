"""Raw files -> serialized tf.Examples, whole columns at a time.

formats    how a file is written, by its name
files      which files there are, and the units of work they make
columns    text or Arrow columns -> columns of the schema's types, and what does not fit
reading    one unit of work -> batches of rows, and rejects with their place
splitting  which split a row belongs to, by a stable hash
writing    batches -> TFRecord shards
ingest     one unit of work from its file to its shards
records    the shards, read back
"""
