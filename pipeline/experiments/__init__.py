"""Runs side by side in Vertex Experiments: parameters, metrics, curves.

contexts.py   the experiment and its runs, in Vertex ML Metadata
curves.py     the epochs of a training, in Vertex TensorBoard
log.py        what a run writes of itself; never fails the run

Laid out as Google's SDK does it, which therefore reads and extends what is written. The
SDK itself is not used to write: its calls have no time limits, and a run that is there
already, as after a retry, is an error to it.
"""
