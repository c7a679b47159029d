"""What a report shows is what the run left, and no other run's."""

from __future__ import annotations

import pytest

from pipeline import errors
from pipeline.reports import collect
from pipeline.reports.output_root import OutputRoot
from tests.unit.pipeline.reports.conftest import (
    METRICS,
    WORDS,
    check,
    number_statistics,
    word_statistics,
)


def features(words=WORDS, counts=(50, 40)):
    return [number_statistics("fare", 0, 10, counts), word_statistics("pay", words)]


def test_columns_come_by_split_train_first(root):
    root.statistics(root.run("r1"), features())

    splits = collect.run(OutputRoot(str(root.path)), "r1").splits

    assert list(splits) == ["train", "eval", "test"]
    fare, pay = splits["train"]["fare"], splits["train"]["pay"]
    assert (fare.rows, fare.missing, fare.median) == (100, pytest.approx(0.1), 5)
    assert fare.histogram == ((0, 5, 50), (5, 10, 40))
    assert (pay.unique, pay.missing, dict(pay.values)) == (2, 0, WORDS)


def test_a_run_is_compared_with_the_whole_run_before_it_of_its_pipeline(root):
    root.statistics(root.run("r1"), features())
    root.run("r2", partial=True)
    root.run("r3", pipeline="other")
    root.statistics(root.run("r4"), features({"Cash": 100}, (90, 0)))
    root.run("r5")

    found = collect.report(OutputRoot(str(root.path)), "r4")

    assert found.before is not None
    assert found.before.id == "r1"
    assert found.moved == {
        "pay": pytest.approx(0.4),
        "fare": pytest.approx(0.2687, abs=1e-4),
    }


def test_the_same_data_from_the_cache_did_not_move(root):
    made = root.statistics(root.run("r1"), features())
    root.run("r2")
    root.execute("r2", "StatisticsGen", state="CACHED")
    _reuse(root, "r2", made)

    found = collect.report(OutputRoot(str(root.path)), "r2")

    assert found.same_data
    assert found.moved == {}
    assert found.run.splits == found.before.splits


def _reuse(root, run_id, artifact):
    """A cached execution names the earlier one's artifact as its output."""
    from ml_metadata.proto import metadata_store_pb2 as mlmd

    [execution] = root.store.get_executions_by_context(
        root.context("pipeline_run", run_id).id
    )
    event = mlmd.Event(
        type=mlmd.Event.OUTPUT, artifact_id=artifact, execution_id=execution.id
    )
    event.path.steps.add().key = "statistics"
    root.store.put_events([event])


@pytest.mark.parametrize("outcome", ["FAILED", "DATA_REFUSED", "CANCELLED"])
def test_a_run_that_did_not_get_to_a_verdict_is_not_compared_with(root, outcome):
    root.run("r1")
    root.run("r2", outcome=outcome)
    root.run("r3")

    assert collect.report(OutputRoot(str(root.path)), "r3").before.id == "r1"


def test_a_first_run_has_none_before_it(root):
    assert collect.report(OutputRoot(str(root.path)), root.run("r1")).before is None


def test_a_run_that_left_nothing_but_its_summary_has_a_report(root):
    root.run("r1", outcome="FAILED", node="ExampleGen", reasons=["OSError: no disk"])

    found = collect.run(OutputRoot(str(root.path)), "r1")

    assert (found.nodes, found.splits, found.evaluation) == ([], {}, None)


def test_a_run_before_that_cannot_be_read_is_no_reason_to_have_no_report(root):
    root.statistics(root.run("r1"), features())
    file = root.folder("r1", "StatisticsGen", "statistics")
    (file / "Split-train" / "FeatureStats.pb").write_bytes(b"\xff" * 9)
    root.run("r2")

    assert collect.report(OutputRoot(str(root.path)), "r2").before is None


def test_anomalies_of_several_splits_are_one_line_train_first(root):
    root.anomalies(root.run("r1", outcome="DATA_REFUSED"), {"mood": "New column"})

    [found] = collect.run(OutputRoot(str(root.path)), "r1").anomalies

    assert (found.feature, found.name) == ("mood", "SCHEMA_NEW_COLUMN")
    assert (found.words, found.splits) == ("New column (train)", ("train", "test"))


def test_what_a_vocabulary_does_not_hold_is_a_share_of_the_values(root):
    root.run("r1")
    root.statistics("r1", [word_statistics("company", {"a": 60, "b": 30, "c\n": 10})])
    root.execute("r1", "Transform", ["transform_graph"])
    assets = root.folder("r1", "Transform", "transform_graph") / "transform_fn/assets"
    assets.mkdir(parents=True)
    (assets / "company_id").write_bytes(b"a\nb\n")

    [found] = collect.run(OutputRoot(str(root.path)), "r1").vocabularies

    assert (found.column, found.size, found.limit) == ("company", 2, 100)
    assert found.unknown["eval"] == pytest.approx(0.1)


def test_the_epochs_are_read_from_the_trainers_history(root):
    root.execute(root.run("r1"), "Trainer", ["model_run"])
    epochs = [{"epoch": 1, "loss": 0.5, "val_loss": 0.4}]
    root.write(root.folder("r1", "Trainer", "model_run") / "history.json", epochs)

    assert collect.run(OutputRoot(str(root.path)), "r1").epochs == epochs


def test_the_outputs_of_a_node_that_failed_are_not_the_runs(root):
    root.run("r1")
    root.execute("r1", "Evaluator", ["evaluation"], state="FAILED")
    folder = root.folder("r1", "Evaluator", "evaluation")
    root.write(folder / "metrics.json", {"candidate": {"overall": METRICS}})

    assert collect.run(OutputRoot(str(root.path)), "r1").evaluation is None


def test_slices_of_an_older_evaluator_are_found_by_their_column(root):
    root.run("r1")
    names = ("overall", "payment_type=Cash", "trip_start_hour=2")
    root.evaluation("r1", dict.fromkeys(names, METRICS))

    found = collect.run(OutputRoot(str(root.path)), "r1").evaluation

    assert {k: [s.value for s in each] for k, each in found.columns.items()} == {
        "payment_type": ["Cash"],
        "trip_start_hour": ["2"],
    }


def test_slices_keep_the_verdicts_word_the_broken_ones_first(root):
    root.run("r1")
    hours = [f"trip_start_hour={n}" for n in (2, 9, 10, "x")]
    checks = [
        check("auc", False, "trip_start_hour=10"),
        check("auc", True, "trip_start_hour=9"),
    ]
    root.evaluation(
        "r1",
        dict.fromkeys(["overall", *hours], METRICS),
        {"overall": {**METRICS, "auc": 0.95}},
        {"checks": checks, "unjudged": ["trip_start_hour=2"]},
        {"intervals": {"overall": {"auc": [0.9, 0.92]}}},
        {"trip_start_hour": hours},
    )

    found = collect.run(OutputRoot(str(root.path)), "r1").evaluation

    slices = found.columns["trip_start_hour"]
    assert [each.value for each in slices] == ["10", "2", "9", "x"]
    assert [each.measures["auc"].passed for each in slices] == [False, None, True, None]
    assert [each.judged for each in slices] == [True, False, True, True]
    auc = found.overall.measures["auc"]
    assert (auc.interval, auc.baseline) == ((0.9, 0.92), 0.95)
    # 0.85 at least, and 0.01 less than the baseline at most.
    assert [bound.value for bound in auc.bounds] == [0.85, pytest.approx(0.94)]


@pytest.mark.parametrize("run_id", ["gone", "cut"])
def test_a_run_that_is_not_there_or_was_cut_off_is_a_users_mistake(root, run_id):
    (root.path / "runs" / "cut").mkdir(parents=True)

    with pytest.raises(errors.UsageError, match=run_id):
        collect.run(OutputRoot(str(root.path)), run_id)
