"""Rows: found, read, checked, split, written, described; whole columns at a time.

columns     columns of the schema's types; what misfits
distribution  what a column of numbers holds: each value, or hundredths
files       which files, and the units of work they make
formats     CSV or Parquet, by the name
in_process  this process, or workers?
ingest      one unit from its file to its shards
lines       a CSV's bytes: encoding, header, how long a row may be
preflight   the data folder, checked before anything starts
reading     one unit -> batches of rows, and rejects
records     the shards, read back
roles       settings that name columns, held against schema and data
schema      infer a first schema, compare with the curated one
spans       the newest span up to a date
splitting   which split a row belongs to
statistics  TFDV's statistics and each distribution, without Beam
suggestion  the kinds that new data's values suggest
times       the column that says when a row happened
writing     batches -> TFRecord shards
"""
