"""What says in a column that a row has no value, where a row must send something.

A tf.Example leaves a value out. A request by column cannot: TensorFlow Serving and
Vertex AI refuse null, and JSON has no NaN. The graph takes these for missing wherever
they stand, in training as in a request, as it does NaN and infinity.
"""

TEXT = ""

NUMBER = -(2**53)
"""Of whole numbers and floats alike: the lowest one that an int64, a float32 and the
doubles of everybody's JSON hold exactly, so no client and no proxy changes it."""
