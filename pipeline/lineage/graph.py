"""Upwards and downwards through the events, some thousand steps at a time.

Learning is what counts: a model learned from whatever its Trainer took, and from what
that was made of. The judge of a model, which also takes a baseline and examples,
teaches it nothing; so nobody becomes an ancestor by having been compared with.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from pipeline.metadata.records import Artifact, Event, Execution, Store
from pipeline.recorded import Pushed

MODEL, PUSHED, EXAMPLES = "Model", "PushedModel", "Examples"
SCHEMA, EVALUATION, BLESSING = "Schema", "ModelEvaluation", "ModelBlessing"

TYPES = (
    *(EXAMPLES, "ExampleStatistics", SCHEMA, "ExampleAnomalies", "TransformGraph"),
    *(MODEL, "ModelRun", EVALUATION, BLESSING, PUSHED, "String"),
)
"""All that a node of the pipeline puts out."""

# What is said about a model is not made from the data in the sense of learning.
_JUDGEMENTS = {EVALUATION, BLESSING, PUSHED}


@dataclasses.dataclass(frozen=True)
class Ancestry:
    """All that something was made of."""

    root: Artifact
    artifacts: dict[str, Artifact]
    executions: dict[str, Execution]
    makers: dict[str, str]
    """Artifact -> the execution that made it, not those that took it from the cache."""

    inputs: dict[str, list[Event]]
    """Execution -> what it took."""

    compared: frozenset[str]
    """Models that a judge compared the root with; their ancestors are not here."""

    def of_type(self, type_: str) -> list[Artifact]:
        """In the order of writing."""
        found = [
            artifact
            for artifact in self.artifacts.values()
            if artifact.type == type_ and artifact.id not in self.compared
        ]
        return sorted(found, key=lambda artifact: artifact.order)

    def maker(self, artifact: Artifact) -> Execution | None:
        """Who made it, if that is on record."""
        return self.executions.get(self.makers.get(artifact.id, ""))

    def model(self) -> Artifact:
        """The root itself, or the model that was pushed."""
        if self.root.type != PUSHED:
            return self.root
        taken = self.inputs.get(self.makers.get(self.root.id, ""), [])
        models = [
            self.artifacts[e.artifact] for e in taken if e.artifact in self.artifacts
        ]
        return next((m for m in models if m.type == MODEL), self.root)


def ancestry(store: Store, pipeline: str, root: Artifact) -> Ancestry:
    """Everything upstream of an artifact, to what nobody of the pipeline made."""
    artifacts = {root.id: root}
    executions: dict[str, Execution] = {}
    makers: dict[str, str] = {}
    inputs: dict[str, list[Event]] = {}
    compared: set[str] = set()
    subjects = {root.id}
    frontier = [root.id]
    while frontier:
        made = makers_of(store, pipeline, frontier)
        makers |= made
        new = {
            execution.id: execution
            for execution in store.executions_by_id(
                set(made.values()) - set(executions)
            )
        }
        executions |= new
        taken = [e for e in store.events_of_executions(new, True) if not e.is_output]
        unknown = {e.artifact for e in taken} - set(artifacts)
        artifacts |= {a.id: a for a in store.artifacts_by_id(unknown)}
        if root.type == PUSHED and root.id in frontier:
            subjects |= {
                e.artifact for e in taken if artifacts[e.artifact].type == MODEL
            }
        judges = {
            maker
            for artifact, maker in made.items()
            if artifacts[artifact].type in (BLESSING, EVALUATION)
        }
        frontier = []
        for event in taken:
            inputs.setdefault(event.execution, []).append(event)
            is_model = artifacts[event.artifact].type == MODEL
            if event.execution in judges and is_model:
                if event.artifact not in subjects:
                    compared.add(event.artifact)
            elif event.artifact in unknown and event.artifact not in frontier:
                frontier.append(event.artifact)
    reached = {e.artifact for es in inputs.values() for e in es}
    learned = {
        event.artifact
        for execution, events in inputs.items()
        for event in events
        if not _judges(execution, makers, artifacts)
    }
    kept = {i: a for i, a in artifacts.items() if i in reached | {root.id}}
    return Ancestry(
        root, kept, executions, makers, inputs, frozenset(compared - learned)
    )


def _judges(
    execution: str, makers: dict[str, str], artifacts: dict[str, Artifact]
) -> bool:
    made = [a for a, maker in makers.items() if maker == execution]
    return any(artifacts[a].type in (BLESSING, EVALUATION) for a in made)


def makers_of(store: Store, pipeline: str, artifacts: Iterable[str]) -> dict[str, str]:
    """Artifact -> the execution that wrote it first; a cached one put it out again."""
    found: dict[str, str] = {}
    for event in store.events_of_artifacts(pipeline, artifacts):
        if event.is_output:
            found.setdefault(event.artifact, event.execution)
    return found


def learners(store: Store, pipeline: str, data: Iterable[str]) -> list[Artifact]:
    """Every model that learned from these artifacts, or from another such model."""
    seen = set(data)
    frontier = set(seen)
    models: dict[str, Artifact] = {}
    while frontier:
        made = {artifact for _, artifact in store.made_from(pipeline, frontier)}
        found = store.artifacts_by_id(made - seen, _NO_PROPERTIES)
        seen |= made
        followed = [a for a in found if a.type not in _JUDGEMENTS]
        models |= {a.id: a for a in followed if a.type == MODEL}
        frontier = {a.id for a in followed}
    return sorted(models.values(), key=lambda artifact: artifact.order)


_NO_PROPERTIES: tuple[str, ...] = ()


def pushes_of(
    store: Store, pipeline: str, models: Iterable[str]
) -> dict[str, list[Artifact]]:
    """Model -> where it was pushed, in the order of the pushes."""
    made = store.made_from(pipeline, models)
    pushed = {
        a.id: a
        for a in store.artifacts_by_id({artifact for _, artifact in made}, PUSH_FACTS)
        if a.type == PUSHED and a.properties.get(Pushed.PUSHED) == 1
    }
    found: dict[str, dict[str, Artifact]] = {}
    for model, artifact in made:
        if artifact in pushed:
            found.setdefault(model, {})[artifact] = pushed[artifact]
    return {
        model: sorted(group.values(), key=lambda artifact: artifact.order)
        for model, group in found.items()
    }


PUSH_FACTS = (
    "pushed",
    "pushed_destination",
    "pushed_version",
    "champion",
    "content_sha256",
    "reason",
    "deleted_by_gc_at",
    "overridden",
)
"""The properties of a push that a list needs: not the content of every file."""
