"""Runs side by side in Vertex Experiments: parameters, metrics, curves.

Laid out as Google's SDK does it, which therefore reads and extends what is written. The
SDK itself is not used to write: its calls have no time limits, and a run that is there
already, as after a retry, is an error to it.

contexts  an experiment and its runs, in Vertex ML Metadata
curves    the epochs, in Vertex TensorBoard
log       what a run writes of itself; never fails it
"""
