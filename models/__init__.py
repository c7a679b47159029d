"""The architectures, one a file, pure Keras 3.

registry   the names a configuration may choose (not the Vertex Model Registry)
hparams    what may be tuned, with defaults (no Keras)
inputs     Keras inputs and encodings that every architecture shares
linear     logistic regression
dnn        embeddings and dense layers
wide_deep  both, added
"""
