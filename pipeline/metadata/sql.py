"""MLMD in SQLite, MySQL or PostgreSQL, read with the same SQL from all three.

ml_metadata has no query over many contexts, and reads whole histories; its tables are
the same everywhere since schema version 10. They are opened to be read, never changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from pipeline.metadata import connections
from pipeline.metadata.records import Artifact, Event, Execution, Run, Value

_ARTIFACT_STATES = ("UNKNOWN", "PENDING", "LIVE", "MARKED_FOR_DELETION", "DELETED")
_STATES = ("UNKNOWN", "NEW", "RUNNING", "COMPLETE", "FAILED", "CACHED", "CANCELED")
# DECLARED_OUTPUT, DECLARED_INPUT, INPUT, OUTPUT; INTERNAL_* are a resolver's notes.
_EVENTS, _OUTPUTS = "(1, 2, 3, 4)", (1, 4)
_BATCH = 5000
_VALUES = "p.int_value, p.double_value, p.string_value, p.proto_value"
_GROUPED = "group by v.id, v.artifact_id, v.execution_id, v.type"

_ARTIFACTS = """
select a.id, t.name, a.uri, a.state, a.create_time_since_epoch
from Artifact a join Type t on t.id = a.type_id
"""
_EXECUTIONS = """
select e.id, t.name, e.last_known_state, e.create_time_since_epoch,
  e.last_update_time_since_epoch
from Execution e join Type t on t.id = e.type_id
"""
_PIPELINE = """
(select c.id from Context c join Type t on t.id = c.type_id
 where t.name = 'pipeline' and c.name = ?)
"""
_RUNS = f"""
select c.id, c.name, c.create_time_since_epoch
from Context c join Type t on t.id = c.type_id
join ParentContext p on p.context_id = c.id
where t.name = 'pipeline_run' and p.parent_context_id in {_PIPELINE}
"""


class SqlStore:
    """A store that speaks SQL."""

    def __init__(self, connection: connections.Connection) -> None:
        """Reads nothing yet.

        Args:
          connection: of `connections.opened`.
        """
        self.where = connection.where
        self._ask = connection.ask
        # PostgreSQL has truth values, the others have numbers.
        self._is_postgresql = connection.where.startswith("postgresql:")
        self._true = "true" if self._is_postgresql else "1"

    def is_id(self, name: str) -> bool:
        """Whether it is a number that MLMD counts up to."""
        return name.isdecimal() and name.isascii() and int(name) < 2**31

    def ids(self, question: str, *values: Any) -> list[str]:
        """The ids that a question of another module asks for."""
        return [str(id_) for (id_,) in self._ask(question, *values)]

    def pipelines(self) -> list[str]:
        """Names of the pipelines that it holds."""
        rows = self._ask(
            "select c.name from Context c join Type t on t.id = c.type_id "
            "where t.name = 'pipeline' order by c.id"
        )
        return [name for (name,) in rows]

    def runs(self, pipeline: str, names: Sequence[str] | None = None) -> list[Run]:
        """All runs of the pipeline."""
        rows = self._ask(f"{_RUNS} order by c.id", pipeline)
        if names is None or len(rows) < _BATCH:
            found = self._properties("Context", [row[0] for row in rows], names)
        else:
            found = self._of_all_runs(pipeline, names)
        return [
            Run(name, pipeline, created / 1000, id_, found.get(id_, {}))
            for id_, name, created in rows
        ]

    def run(self, pipeline: str, run_id: str) -> Run:
        """The run of that id, with all its properties."""
        rows = self._ask(f"{_RUNS} and c.name = ?", pipeline, run_id)
        id_, name, created = rows[0]
        found = self._properties("Context", [id_], None)
        return Run(name, pipeline, created / 1000, id_, found.get(id_, {}))

    def artifacts(
        self, pipeline: str, type_: str, names: Sequence[str] | None = None
    ) -> list[Artifact]:
        """The pipeline's artifacts of a type."""
        rows = self._ask(
            f"{_ARTIFACTS} join Attribution b on b.artifact_id = a.id "
            f"where t.name = ? and b.context_id in {_PIPELINE} order by a.id",
            type_,
            pipeline,
        )
        return self._artifacts(rows, names)

    def artifacts_by_id(
        self, ids: Iterable[str], names: Sequence[str] | None = None
    ) -> list[Artifact]:
        """The artifacts of these ids."""
        return self._artifacts(self._by_id(_ARTIFACTS, "a.id", ids), names)

    def executions_by_id(
        self, ids: Iterable[str], names: Sequence[str] | None = None
    ) -> list[Execution]:
        """The executions of these ids."""
        return self._executions(self._by_id(_EXECUTIONS, "e.id", ids), names)

    def executions_in(self, pipeline: str, states: Sequence[str]) -> list[Execution]:
        """The pipeline's executions in one of these states."""
        numbers = ", ".join(str(_STATES.index(state)) for state in states)
        rows = self._ask(
            f"{_EXECUTIONS} join Association b on b.execution_id = e.id where "
            f"e.last_known_state in ({numbers}) and b.context_id in {_PIPELINE} "
            "order by e.id",
            pipeline,
        )
        return self._executions(rows, None)

    def executions_of_node(self, pipeline: str, node: str) -> list[Execution]:
        """The executions of one node; MLMD has a context for it."""
        rows = self._ask(
            f"{_EXECUTIONS} join Association b on b.execution_id = e.id "
            "join Context c on c.id = b.context_id join Type k on k.id = c.type_id "
            "where k.name = 'node' and c.name = ? order by e.id",
            f"{pipeline}.{node}",
        )
        return self._executions(rows, None)

    def executions_of_run(self, pipeline: str, run_id: str) -> list[str]:
        """Ids of the executions of one run."""
        rows = self._ask(
            f"select b.execution_id from Association b join ({_RUNS} and c.name = ?) r "
            "on r.id = b.context_id order by b.execution_id",
            pipeline,
            run_id,
        )
        return [str(id_) for (id_,) in rows]

    def runs_of(self, pipeline: str, executions: Iterable[str]) -> dict[str, str]:
        """Execution -> id of its run."""
        found = self._contexts_of(executions, "pipeline_run")
        return {str(execution): name for execution, name in found.items()}

    def events_of_artifacts(self, pipeline: str, ids: Iterable[str]) -> list[Event]:
        """Every event of these artifacts with an execution of the pipeline."""
        found = self._events("v.artifact_id", ids)
        # In one query SQLite would begin with all executions of the pipeline.
        question = "select b.execution_id, b.context_id from Association b"
        inside = {
            str(execution)
            for execution, _ in self._by_id(
                question,
                "b.execution_id",
                {event.execution for event in found},
                pipeline,
                rest=f"and b.context_id in {_PIPELINE}",
            )
        }
        return [event for event in found if event.execution in inside]

    def events_of_executions(
        self, ids: Iterable[str], keys: bool = False
    ) -> list[Event]:
        """Every event of these executions."""
        return self._events("v.execution_id", ids, keys)

    def made_from(self, pipeline: str, ids: Iterable[str]) -> list[tuple[str, str]]:
        """(One of these artifacts, what an execution of the pipeline made of it).

        A cached execution is left out: it put out again what one before it made of the
        same. Each of ten thousand runs has some.
        """
        rows = self._by_id(
            "select distinct i.artifact_id, o.artifact_id from Event i "
            "join Event o on o.execution_id = i.execution_id "
            "join Execution e on e.id = i.execution_id",
            "i.artifact_id",
            ids,
            pipeline,
            # Joined, SQLite would begin with all executions of the pipeline.
            rest="and i.type in (2, 3) and o.type in (1, 4) "
            f"and coalesce(e.last_known_state, 0) <> {_STATES.index('CACHED')} "
            "and exists (select 1 from Association b "
            "where b.execution_id = i.execution_id "
            f"and b.context_id in {_PIPELINE})",
            order="i.artifact_id, o.artifact_id",
        )
        return [(str(taken), str(made)) for taken, made in rows]

    def having(
        self, pipeline: str, type_: str, name: str, value: str | int
    ) -> list[str]:
        """Artifacts of a type whose property has that value; found by MLMD's index."""
        column = "int_value" if isinstance(value, int) else "string_value"
        rows = self._ask(
            "select p.artifact_id from ArtifactProperty p "
            "join Artifact a on a.id = p.artifact_id join Type t on t.id = a.type_id "
            "join Attribution b on b.artifact_id = a.id "
            f"where p.name = ? and p.is_custom_property = {self._true} "
            f"and p.{column} = ? and t.name = ? and b.context_id in {_PIPELINE} "
            "order by p.artifact_id",
            name,
            value,
            type_,
            pipeline,
        )
        return [str(id_) for (id_,) in rows]

    def with_uri(self, pipeline: str, uri: str) -> list[str]:
        """Artifacts at that URI."""
        rows = self._ask(
            "select a.id from Artifact a join Attribution b on b.artifact_id = a.id "
            f"where a.uri = ? and b.context_id in {_PIPELINE} order by a.id",
            uri,
            pipeline,
        )
        return [str(id_) for (id_,) in rows]

    def containing(self, pipeline: str, type_: str, name: str, text: str) -> list[str]:
        """Artifacts of a type whose property has the text in it."""
        escaped = "".join("!" + c if c in "!%_" else c for c in text)
        has_it, values = "p.string_value like ? escape '!'", [f"%{escaped}%"]
        if self._is_postgresql:  # where library.py packs long texts
            has_it += " or position(convert_to(?, 'UTF8') in p.proto_value) > 0"
            values.append(text)
        rows = self._ask(
            "select distinct a.id from Artifact a join Type t on t.id = a.type_id "
            "join Attribution b on b.artifact_id = a.id "
            "join ArtifactProperty p on p.artifact_id = a.id "
            f"where t.name = ? and p.name = ? and ({has_it}) "
            f"and b.context_id in {_PIPELINE} order by a.id",
            type_,
            name,
            *values,
            pipeline,
        )
        return [str(id_) for (id_,) in rows]

    def _events(
        self, column: str, ids: Iterable[str], keys: bool = False
    ) -> list[Event]:
        question = (
            "select v.artifact_id, v.execution_id, v.type, min(s.step_key) "
            "from Event v left join EventPath s on s.event_id = v.id"
            if keys
            else "select v.artifact_id, v.execution_id, v.type, '' from Event v"
        )
        rows = self._by_id(
            question,
            column,
            ids,
            rest=f"and v.type in {_EVENTS} " + _GROUPED * keys,
            order="v.id",
        )
        return [
            Event(str(artifact), str(execution), type_ in _OUTPUTS, key or "")
            for artifact, execution, type_, key in rows
        ]

    def _artifacts(
        self, rows: list[tuple[Any, ...]], names: Sequence[str] | None
    ) -> list[Artifact]:
        found = self._properties("Artifact", [row[0] for row in rows], names)
        return [
            Artifact(
                str(id_),
                type_.removeprefix("tfx."),
                uri or "",
                _ARTIFACT_STATES[state or 0]
                if (state or 0) < len(_ARTIFACT_STATES)
                else str(state),
                created / 1000,
                id_,
                found.get(id_, {}),
            )
            for id_, type_, uri, state, created in rows
        ]

    def _executions(
        self, rows: list[tuple[Any, ...]], names: Sequence[str] | None
    ) -> list[Execution]:
        ids = [row[0] for row in rows]
        found, nodes = self._properties("Execution", ids, names), self._nodes(ids)
        return [
            Execution(
                str(id_),
                nodes.get(id_, type_.rpartition(".")[2]),
                _STATES[state or 0],
                created / 1000,
                updated / 1000,
                id_,
                found.get(id_, {}),
            )
            for id_, type_, state, created, updated in rows
        ]

    def _nodes(self, ids: list[int]) -> dict[int, str]:
        """Execution -> node: the context's name is PIPELINE.NODE."""
        found = self._contexts_of(map(str, ids), "node")
        return {id_: name.rpartition(".")[2] for id_, name in found.items()}

    def _contexts_of(self, executions: Iterable[str], type_: str) -> dict[int, str]:
        """Execution -> name of its context of that type.

        MLMD has no index for it; joined, SQLite would look for each execution in each
        of ten thousand contexts.
        """
        pairs = self._by_id(
            "select b.execution_id, b.context_id from Association b",
            "b.execution_id",
            executions,
        )
        names = dict(
            self._by_id(
                "select c.id, c.name from Context c "
                "join Type t on t.id = c.type_id and t.name = ?",
                "c.id",
                {str(context) for _, context in pairs},
                type_,
            )
        )
        return {
            execution: names[context]
            for execution, context in pairs
            if context in names
        }

    def _properties(
        self, kind: str, ids: list[int], names: Sequence[str] | None
    ) -> dict[int, dict[str, Value]]:
        if names is not None and not names:
            return {}
        owner = f"{kind.lower()}_id"
        question = f"select p.{owner}, p.name, {_VALUES} from {kind}Property p"
        rest, values = _named(names)
        column = f"p.{owner}"
        rows = self._by_id(question, column, map(str, ids), *values, rest=rest)
        return _gathered(rows)

    def _of_all_runs(
        self, pipeline: str, names: Sequence[str]
    ) -> dict[int, dict[str, Value]]:
        """The properties of every run at once: ten thousand ids are no question."""
        rest, values = _named(names)
        rows = self._ask(
            f"select p.context_id, p.name, {_VALUES} "
            f"from ContextProperty p join ({_RUNS}) r on r.id = p.context_id "
            f"where 1 = 1 {rest}",
            pipeline,
            *values,
        )
        return _gathered(rows)

    def _by_id(
        self,
        question: str,
        column: str,
        ids: Iterable[str],
        *values: str,
        rest: str = "",
        order: str = "",
    ) -> list[tuple[Any, ...]]:
        """The question for these ids, some thousands at a time."""
        numbers = sorted({int(id_) for id_ in ids})
        rows: list[tuple[Any, ...]] = []
        for batch in _batches(numbers):
            inside = ", ".join(map(str, batch))
            rows += self._ask(
                f"{question} where {column} in ({inside}) {rest} "
                f"order by {order or column}",
                *values,
            )
        return rows


def _named(names: Sequence[str] | None) -> tuple[str, tuple[str, ...]]:
    if names is None:
        return "", ()
    return f"and p.name in ({', '.join('?' for _ in names)})", tuple(names)


def _gathered(rows: list[tuple[Any, ...]]) -> dict[int, dict[str, Value]]:
    found: dict[int, dict[str, Value]] = {}
    for owner, name, whole, double, text, packed in rows:
        kept = (whole, double, text, packed and _unpacked(packed))
        value = next((v for v in kept if v is not None), None)
        if value is not None:
            found.setdefault(owner, {})[name] = value
    return found


def _unpacked(value: Any) -> str | None:
    """The text that library.py packed for PostgreSQL; None of any other message."""
    from google.protobuf import any_pb2, wrappers_pb2

    text = wrappers_pb2.StringValue()
    message = any_pb2.Any.FromString(bytes(value))
    return text.value if message.Unpack(text) else None


def _batches(numbers: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(numbers), _BATCH):
        yield numbers[start : start + _BATCH]
