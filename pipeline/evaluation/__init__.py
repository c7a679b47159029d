"""Is the model good: metrics, intervals, curves, importance, verdict.

curves       ROC, precision and recall, calibration as a few points
eval_config  TFMA's EvalConfig, as the Evaluator is given it
explanation  all three beside the evaluation, for the report
importance   which raw columns the answers rest on
intervals    how far the data let a metric be trusted
judge        metrics and bounds -> a verdict that explains itself
metrics      TFMA's binary metrics over whole arrays
rivals       what costs nothing: a constant, the best column
scoring      models' answers -> TFMA's result files
slicing      which rows make a slice: values, ranges, crossings
"""
