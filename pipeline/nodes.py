"""The nodes of the graph: their names, their order, and what each one executes."""

from __future__ import annotations

EXAMPLE_GEN = "ExampleGen"
STATISTICS_GEN = "StatisticsGen"
SCHEMA_VALIDATOR = "SchemaValidator"
TRANSFORM = "Transform"
TRAINER = "Trainer"
BASELINE_RESOLVER = "BaselineResolver"
EVALUATOR = "Evaluator"
PUSHER = "Pusher"
NOTIFIER = "Notifier"

MODULES = {
    EXAMPLE_GEN: ("pipeline.components.ingestion",),
    STATISTICS_GEN: ("pipeline.components.statistics",),
    SCHEMA_VALIDATOR: ("pipeline.components.schema_validator",),
    TRANSFORM: ("pipeline.components.transform", "transform.preprocessing"),
    TRAINER: ("trainer.run_fn",),
    BASELINE_RESOLVER: ("pipeline.components.baseline",),
    EVALUATOR: ("pipeline.components.evaluator",),
    PUSHER: ("pipeline.components.pusher", "pipeline.serving.check"),
    NOTIFIER: ("pipeline.components.notifier",),
}
"""Node, in the order of the graph -> the modules that it enters; what those import of
this project is its code, too."""

ALL = tuple(MODULES)
"""In the order of the graph."""

EXIT_HANDLER = "ExitHandler"
"""The task of a job on Vertex that runs whatever ended the graph."""

TFX_DAG = "tfx-dag"
"""TFX's name of the sub-graph that holds all tasks when there is an exit handler."""
