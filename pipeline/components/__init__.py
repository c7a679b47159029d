"""Our own TFX components, one a file; stock TFX serves for the rest.

ingestion         ExampleGen: raw files -> Examples, with a fingerprint of the content
statistics        StatisticsGen: TFDV without Beam where one process is enough
transform         TFX's Transform, with batches of a fixed size
schema_validator  statistics against the curated schema; stops the run
baseline          which blessed model the candidate is compared with
evaluator         TFMA, and a verdict that explains itself
pusher            checks the model in a fresh process, then pushes it atomically
notifier          last node: says how it ended
exit_handler      the same on Vertex, whatever ended the run
payload           the digest of what an artifact holds

Executors get plain values, not pipeline.config: what a module imports is part of its
node's cache key, and a change of a training setting must not re-run the validation.
"""
