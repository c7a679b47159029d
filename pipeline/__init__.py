"""The pipeline: one definition, two runners.

pipeline       create_pipeline(config): the graph, top to bottom
config         typed, frozen configuration from YAML layers and --set
evaluation     TFMA's EvalConfig, and the verdict on a model
ingestion      raw files -> tf.Examples, whole columns at a time
scoring        models' answers -> TFMA's result files, over whole arrays
explanation    intervals, curves and importance beside the evaluation
components     our own TFX components, one a file
notifications  run facts -> message -> channels
exports        one model's record in the standards that others read
reports        a run on one page, runs side by side
runners        local: run here; vertex: compile for Vertex AI Pipelines
lineage        where a model came from, asked of the metadata store
recorded       the names of all that MLMD keeps of a run
outcome        the one word for how a run ended, and its exit code
fingerprint    which code and data each node depends on
errors         the error tree
"""
