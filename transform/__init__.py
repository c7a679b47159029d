"""What the raw data is and how it becomes features.

features       which column plays which role, and its transformed name (no TensorFlow)
missing        what says that a row has no value (no TensorFlow)
preprocessing  `preprocessing_fn`, the full-pass TensorFlow Transform graph
schema.pbtxt   the curated, reviewed contract of the raw taxi data
"""
