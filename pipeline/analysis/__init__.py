"""TensorFlow Transform's full pass over the data, in one process and without Beam.

TFT's own analyzers, combiners, graphs and files, driven by a plain loop over batches.

kernels        one analyzer over batches and shards: create, add, merge, finish
plan           TFT's graph of nodes as steps that wait for the data
vocabularies   counted words as the file that the graph looks them up in
graph          traces of a preprocessing_fn, and the SavedModel that it becomes
"""
