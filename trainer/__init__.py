"""From transformed examples to a servable model.

run_fn   what TFX calls: data, model, fit, export, as a table of contents
config   the typed settings that cross TFX's custom_config (no TensorFlow)
data     transformed TFRecords as tf.data
fit      compile, callbacks, fit
export   the SavedModel with its three signatures
history  the epochs as JSON
"""
