"""The same answers by plain SQL, written apart, on histories that nobody thought of."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import sqlite3
import tempfile
from contextlib import closing

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.lineage import diff, history, impact, orphans, trace, why
from pipeline.metadata import connections, sql
from tests import histories
from tests.histories import Spec

# A model's way up: whoever put out an artifact, and what that took, again and again.
ANCESTORS = """
with recursive above(artifact) as (
  select ?
  union
  select taken.artifact_id from above
  join Event put on put.artifact_id = above.artifact and put.type = 4
  join Event taken on taken.execution_id = put.execution_id and taken.type = 3
)
select a.id, p.string_value from above join Artifact a on a.id = above.artifact
join Type t on t.id = a.type_id and t.name = 'Examples'
join ArtifactProperty p on p.artifact_id = a.id and p.name = 'files'
order by a.id
"""
# And down, but not through those who only judge, push and tell.
LEARNERS = """
with recursive below(artifact) as (
  select a.id from Artifact a join Type t on t.id = a.type_id and t.name = 'Examples'
  join ArtifactProperty p on p.artifact_id = a.id and p.name = 'files'
  join Attribution b on b.artifact_id = a.id
  join Context c on c.id = b.context_id and c.name = :pipeline
  where instr(p.string_value, :file) > 0
  union
  select put.artifact_id from below
  join Event taken on taken.artifact_id = below.artifact and taken.type = 3
  join Execution e on e.id = taken.execution_id
  join Type t on t.id = e.type_id
    and t.name not like '%Evaluator' and t.name not like '%Pusher'
    and t.name not like '%Notifier'
  join Event put on put.execution_id = e.id and put.type = 4
)
select distinct below.artifact from below join Artifact a on a.id = below.artifact
join Type t on t.id = a.type_id and t.name = 'Model' order by 1
"""
PUSHES_OF = """
select distinct a.id from Event taken
join Event put on put.execution_id = taken.execution_id and put.type = 4
join Artifact a on a.id = put.artifact_id
join Type t on t.id = a.type_id and t.name = 'PushedModel'
join ArtifactProperty p on p.artifact_id = a.id
  and p.name = 'pushed' and p.int_value = 1
where taken.artifact_id = ? and taken.type = 3 order by a.id
"""
PUSHES = """
select a.id, a.create_time_since_epoch / 1000.0 from Artifact a
join Type t on t.id = a.type_id and t.name = 'PushedModel'
join ArtifactProperty p on p.artifact_id = a.id
  and p.name = 'pushed' and p.int_value = 1
join Attribution b on b.artifact_id = a.id
join Context c on c.id = b.context_id and c.name = ?
join Type ct on ct.id = c.type_id and ct.name = 'pipeline'
order by a.id
"""
MODEL_OF = """
select distinct taken.artifact_id from Event put
join Event taken on taken.execution_id = put.execution_id and taken.type = 3
join Artifact a on a.id = taken.artifact_id
join Type t on t.id = a.type_id and t.name = 'Model'
where put.artifact_id = ? and put.type = 4
"""
RUNS = """
select r.name, o.string_value from Context r
join Type t on t.id = r.type_id and t.name = 'pipeline_run'
join ParentContext pc on pc.context_id = r.id
join Context p on p.id = pc.parent_context_id and p.name = ?
left join ContextProperty o on o.context_id = r.id and o.name = 'outcome'
order by r.id desc
"""
PUSHED_BY = """
select distinct r.name from Context r
join Type t on t.id = r.type_id and t.name = 'pipeline_run'
join Association s on s.context_id = r.id
join Execution e on e.id = s.execution_id and e.last_known_state = 3
join Event v on v.execution_id = e.id and v.type = 4 and v.artifact_id in ({ids})
"""
MADE_BY = """
select r.name from Event v
join Execution e on e.id = v.execution_id and e.last_known_state = 3
join Association s on s.execution_id = e.id
join Context r on r.id = s.context_id
join Type t on t.id = r.type_id and t.name = 'pipeline_run'
where v.artifact_id = ? and v.type = 4
"""
FAILED_CHECKS = """
select p.string_value from Context r
join Association s on s.context_id = r.id
join Event v on v.execution_id = s.execution_id and v.type = 4
join ArtifactProperty p on p.artifact_id = v.artifact_id and p.name = 'verdict_details'
where r.name = ?
"""
OPEN = """
select e.id from Execution e
join Association s on s.execution_id = e.id
join Context c on c.id = s.context_id and c.name = ?
where e.last_known_state = 2 order by e.id
"""

NODES = st.sampled_from([None, None, None, *histories.NODES])
SPECS = st.builds(
    Spec,
    pipeline=st.sampled_from(["trips", "trips", "penguins"]),
    # In the order of their names, as a run finds them.
    files=st.lists(st.integers(0, 3), min_size=1, max_size=2, unique=True)
    .map(sorted)
    .map(tuple),
    code=st.integers(0, 2),
    good=st.booleans(),
    ends_at=NODES,
    cut_off=st.booleans(),
    dirty=st.booleans(),
    repush=st.booleans(),
    # Now and then the clock goes backwards.
    at=st.integers(0, 20).map(lambda hour: 1_790_000_000.0 + 3600 * hour),
)
HISTORIES = st.lists(SPECS, min_size=1, max_size=8).map(
    lambda specs: [
        spec if spec.ends_at else Spec(**{**vars(spec), "cut_off": False})
        for spec in specs
    ]
)


@settings(max_examples=25, deadline=None)
@given(HISTORIES)
def test_every_answer_is_that_of_plain_sql(empty_store, specs):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "metadata.sqlite")
        shutil.copy(empty_store, path)
        histories.write(histories.open_store(path), specs)
        histories.set_times(path, specs)
        store = sql.SqlStore(connections.opened(path))
        with closing(sqlite3.connect(path)) as db:
            for pipeline in {spec.pipeline for spec in specs}:
                _compare_models(store, db, pipeline)
                _compare_data(store, db, pipeline)
                _compare_runs(store, db, pipeline)
                _compare_champions(store, db, pipeline)
                _compare_orphans(store, db, pipeline)


def _ids(rows) -> list[str]:
    return [str(row[0]) for row in rows]


def _compare_models(store, db, pipeline) -> None:
    pushes = _ids(db.execute(PUSHES, (pipeline,)))
    of = {push: _ids(db.execute(MODEL_OF, (push,))) for push in pushes}
    files = {}
    for push, models in of.items():
        assert len(models) == 1
        rows = db.execute(ANCESTORS, (int(models[0]),)).fetchall()
        files[push] = {f["sha256"] for _, text in rows for f in json.loads(text)}

        answer = trace.trace(
            store, pipeline, f"/serving/{pipeline}/{_version(db, push)}"
        )

        assert answer.value["model"]["artifact"] == push
        assert [e["artifact"] for e in answer.value["data"]] == _ids(rows)
        assert {f["sha256"] for f in answer.value["files"]} == files[push]
        own, trained = _made_by(db, push), _made_by(db, models[0])
        assert answer.value["run"]["run"] == own
        assert answer.value["verdict"]["word"] == "BLESSED"
        assert answer.value["trained_in"].get("run", own) == trained
        compared = set(answer.value["compared_with"])
        assert models[0] not in compared
        boxes = {box.label for box in answer.graph.nodes.values()}
        assert {f"Model {models[0]}"} | {f"Model {m}" for m in compared} == {
            label for label in boxes if label.startswith("Model ")
        }
    for a, b in itertools.pairwise(pushes):
        answer = diff.diff(
            store,
            pipeline,
            f"/serving/{pipeline}/{_version(db, a)}",
            f"/serving/{pipeline}/{_version(db, b)}",
        )
        assert ("data" in answer.value["differs"]) == (files[a] != files[b])


def _made_by(db, artifact: str) -> str:
    """The run that made it; those that took it from the cache are none."""
    [(run,)] = db.execute(MADE_BY, (int(artifact),))
    return run


def _version(db, push: str) -> str:
    [(version,)] = db.execute(
        "select string_value from ArtifactProperty where artifact_id = ? "
        "and name = 'pushed_version'",
        (int(push),),
    )
    return version


def _compare_data(store, db, pipeline) -> None:
    used = {
        file["name"]: file["sha256"]
        for (text,) in db.execute(
            "select p.string_value from ArtifactProperty p "
            "join Attribution b on b.artifact_id = p.artifact_id "
            "join Context c on c.id = b.context_id and c.name = ? "
            "where p.name = 'files'",
            (pipeline,),
        )
        for file in json.loads(text)
    }
    for name, digest in used.items():
        models = _ids(
            db.execute(LEARNERS, {"pipeline": pipeline, "file": digest}).fetchall()
        )
        pushed = {m: _ids(db.execute(PUSHES_OF, (int(m),)).fetchall()) for m in models}

        for words in (name, f"sha256:{digest}", f"/data/in/{name}"):
            answer = impact.impact(store, pipeline, words)

            assert [m["artifact"] for m in answer.value["models"]] == models
            assert all(
                m["run"] == _made_by(db, m["artifact"]) for m in answer.value["models"]
            )
            assert {
                m["artifact"]: [p["artifact"] for p in m["pushed"]]
                for m in answer.value["models"]
            } == pushed


def _compare_runs(store, db, pipeline) -> None:
    rows = db.execute(RUNS, (pipeline,)).fetchall()
    ids = ", ".join(_ids(db.execute(PUSHES, (pipeline,)))) or "-1"
    pushed = {name for (name,) in db.execute(PUSHED_BY.format(ids=ids))}

    everything = history.runs(store, pipeline).value["runs"]
    failed = history.runs(store, pipeline, failed=True).value["runs"]
    with_push = history.runs(store, pipeline, pushed=True).value["runs"]

    assert [row["run"] for row in everything] == [name for name, _ in rows]
    assert [r["run"] for r in failed] == [n for n, word in rows if word != "SUCCEEDED"]
    assert [r["run"] for r in with_push] == [n for n, _ in rows if n in pushed]
    for name, word in rows:
        answer = why.why(store, pipeline, name).value
        verdicts = [json.loads(text) for (text,) in db.execute(FAILED_CHECKS, (name,))]
        wanted = [c for v in verdicts for c in v["checks"] if not c["passed"]]
        assert answer["outcome"] == (word or "CUT OFF")
        assert answer["checks_failed"] == wanted


def _compare_champions(store, db, pipeline) -> None:
    pushes = db.execute(PUSHES, (pipeline,)).fetchall()
    for at in [None, *(time for _, time in pushes), 1_789_000_000.0]:
        wanted = [str(id_) for id_, time in pushes if at is None or time <= at]

        answer = history.champion(store, pipeline, at).value["champion"]

        assert answer.get("artifact") == (wanted[-1] if wanted else None)

    for event in history.timeline(store, pipeline).value["events"]:
        assert event["run"] == _made_by(db, event["artifact"])


def _compare_orphans(store, db, pipeline) -> None:
    wanted = _ids(db.execute(OPEN, (pipeline,)))

    answer, plan = orphans.orphans(store, pipeline, None, None)

    found = answer.value["executions_without_a_process"]
    assert [row["execution"] for row in found] == wanted
    # Their process was on another host: nobody here may say that it is gone.
    assert plan.executions == ()
