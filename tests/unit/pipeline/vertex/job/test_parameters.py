"""Values given at submission land where the configuration has them."""

from __future__ import annotations

import json

import pytest

from pipeline.config import config as config_lib
from pipeline.config.evaluation import EvaluationConfig
from pipeline.errors import ConfigError, UsageError
from pipeline.vertex.job import parameters
from pipeline.vertex.job.job import Job

KEYS = [
    "training.model",
    "evaluation.thresholds.auc.min",
    "push.check_rows",
    "data.span",
]


def put_in(key: str, document: dict, value: str | None) -> dict:
    """The node's property after `value` was given for the key."""
    [parameter] = parameters.of_keys([key])
    given = {parameter.json_property: json.dumps(document), "other": "kept"}
    if value is not None:
        given[parameter.name] = value
    invocation = json.dumps({"inputs": {"parameterValues": given}, "outputs": {}})

    found = json.loads(parameters.put_in(invocation, [str(parameter)]))

    values = found["inputs"]["parameterValues"]
    assert values.pop("other") == "kept"
    [(name, text)] = values.items()
    assert name == parameter.json_property
    return json.loads(text)


def test_a_parameter_is_named_by_its_key():
    assert [(p.name, p.node) for p in parameters.of_keys(KEYS)] == [
        ("training_model", "Trainer"),
        ("evaluation_thresholds_auc_min", "Evaluator"),
        ("push_check_rows", "Pusher"),
        ("data_span", "ExampleGen"),
    ]


@pytest.mark.parametrize(
    "key", ["pipeline_name", "data.path", "training", "data.spans"]
)
def test_a_key_that_no_task_could_take_is_refused(key):
    with pytest.raises(
        ConfigError, match=rf"'{key}' cannot be given at run time. Known"
    ):
        parameters.of_keys([key])


@pytest.mark.parametrize(
    ("key", "text", "path", "value"),
    [
        ("training.model", "dnn", ("training", "model"), "dnn"),
        ("training.train_steps", "300", ("training", "train_steps"), 300),
        (
            "training.hparams.hidden_units",
            "[8, 4]",
            ("training", "hparams", "hidden_units"),
            [8, 4],
        ),
    ],
)
def test_a_value_is_read_as_set_reads_it(key, text, path, value):
    config = config_lib.load((), ()).config
    document = {"training": config.training.model_dump(mode="json"), "features": {}}

    found = put_in(key, document, text)

    for part in path:
        document, found = document[part], found[part]
    assert found == value
    assert document != value


def test_a_threshold_is_the_evaluators():
    config = config_lib.load((), ()).config
    before = config.evaluation.model_dump(mode="json")

    found = put_in("evaluation.thresholds.auc.min", before, "0.91")

    assert found["thresholds"]["auc"]["min"] == 0.91
    assert found["slices"] == before["slices"]
    judged = EvaluationConfig.model_validate(found)
    assert judged.thresholds["auc"].min == 0.91


@pytest.mark.parametrize("value", [None, ""])
def test_what_is_not_given_is_as_compiled(value):
    assert put_in("training.model", {"training": {"model": "linear"}}, value) == {
        "training": {"model": "linear"}
    }


@pytest.mark.parametrize(("text", "span"), [("7", 7), ("2026-03-02", 20514)])
def test_a_span_may_be_a_date(text, span):
    found = put_in("data.span", {"rolling_range": {"num_spans": 1}}, text)

    assert found == {
        "static_range": {"start_span_number": span, "end_span_number": span}
    }


@pytest.mark.parametrize("text", ["yesterday", "1.5", "[1]"])
def test_a_span_that_is_none_is_refused(text):
    with pytest.raises(ValueError, match="is neither a number nor YYYY-MM-DD"):
        put_in("data.span", {}, text)


@pytest.mark.parametrize(
    ("overrides", "problem"),
    [
        (
            ("vertex.parameters=[training.modle]",),
            "the configuration has no 'training.modle'; training.model",
        ),
        (
            ("vertex.parameters=[evaluation.thresholds.acu.min]",),
            "the configuration has no 'evaluation.thresholds.acu.min'; ",
        ),
        (
            ("vertex.parameters=[evaluation.thresholds.recall.least]",),
            "the configuration has no 'evaluation.thresholds.recall.least'; ",
        ),
        (
            ("vertex.parameters=[training.model.name]",),
            "the configuration has no 'training.model.name'; training.model",
        ),
        (
            ("vertex.parameters=[data.span]",),
            "data.span needs a data.pattern with {SPAN} or {YYYY}{MM}{DD}; it is '*'",
        ),
        (("vertex.parameters=[pipeline_name]",), "'pipeline_name' cannot be given"),
    ],
)
def test_a_parameter_that_the_configuration_has_not_is_refused(overrides, problem):
    config = config_lib.load((), overrides, platform="vertex").config

    with pytest.raises(ConfigError) as refused:
        parameters.of_config(config)

    assert problem in str(refused.value)


def test_the_parameters_of_the_configuration_are_found():
    config = config_lib.load((), (), platform="vertex").config

    assert [p.key for p in parameters.of_config(config)] == [*config.vertex.parameters]


@pytest.fixture(scope="module")
def boundless(tmp_path_factory):
    """Data of one's own, without a bound."""
    file = tmp_path_factory.mktemp("own") / "own.yaml"
    file.write_text(
        "pipeline_name: own\ndata: {path: 'gs://b/rows', schema_file: "
        "configs/penguins/schema.pbtxt}\nfeatures: {numeric: [body_mass_g], label: "
        "{name: chinstrap, rule: equals, column: species, value: Chinstrap}}\n",
        encoding="utf-8",
    )
    config = config_lib.load((file,), (), platform="vertex").config
    assert config.evaluation.thresholds == {}
    return config


def test_a_bound_that_the_configuration_does_not_state_may_be_given(boundless):
    """configs/vertex.yaml names one of the example's, which lies below it no more."""
    parameter = "evaluation.thresholds.auc.min"

    assert parameter in [each.key for each in parameters.of_config(boundless)]
    document = boundless.evaluation.model_dump(mode="json")
    given = EvaluationConfig.model_validate(put_in(parameter, document, "0.9"))
    assert given.thresholds["auc"].min == 0.9
    as_compiled = EvaluationConfig.model_validate(put_in(parameter, document, ""))
    assert as_compiled == boundless.evaluation


def test_the_value_of_such_a_bound_is_checked_too(boundless):
    with pytest.raises(UsageError, match="should be a valid number"):
        parameters.require(boundless, {"evaluation_thresholds_auc_min": "high"})


def test_what_the_job_will_take_is_known_before_it_is_compiled(taxi):
    names = parameters.require(taxi, {"run_date": "2026-11-01"})

    assert names == [
        "evaluation_thresholds_auc_min",
        "run_date",
        "training_model",
        "training_train_steps",
    ]


def test_nobody_says_who_submitted(taxi):
    """It is filled in, and an auditor believes it."""
    declared = declaring(**TAXI, origin=OPTIONAL)

    for ask in (
        lambda given: parameters.checked(declared, given, taxi),
        lambda given: parameters.require(taxi, given),
    ):
        with pytest.raises(UsageError) as refused:
            ask({"origin": '{"who": "the board"}'})
        assert "--parameter origin: is who submits, and is filled in" in str(
            refused.value
        )
    with pytest.raises(UsageError) as refused:
        parameters.checked(declared, {"x": "1"}, taxi)
    assert "origin" not in str(refused.value)


def declaring(**declared: dict) -> Job:
    return Job.of_spec({"root": {"inputDefinitions": {"parameters": declared}}})


OPTIONAL = {"parameterType": "STRING", "defaultValue": "", "isOptional": True}
TAXI = {
    "training_model": OPTIONAL,
    "training_train_steps": OPTIONAL,
    "data_span": OPTIONAL,
}


@pytest.fixture(scope="module")
def taxi():
    """A configuration with spans, for values to fit."""
    return config_lib.load((), ("data.pattern={SPAN}/*",), platform="vertex").config


def test_values_that_fit_stand_beside_the_defaults(taxi):
    given = {"training_train_steps": "300", "data_span": "2026-03-02"}

    assert parameters.checked(declaring(**TAXI), given, taxi) == {
        "training_model": "",
        "training_train_steps": "300",
        "data_span": "2026-03-02",
    }


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("training_train_steps=abc", "Input should be a valid integer"),
        ("training_train_steps=0", "greater than or equal to 1"),
        ("training_model=wide_deap", "'linear', 'dnn' or 'wide_deep'"),
        ("data_span=yesterday", "is neither a number nor YYYY-MM-DD"),
        ("training_model=[", "while parsing a flow node"),
        ("trainig_model=dnn", "Did you mean 'training_model'? Known: data_span, "),
        ("training.model=dnn", "Did you mean 'training_model'?"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_before_anything_is_sent(
    taxi, text, problem
):
    with pytest.raises(UsageError) as refused:
        parameters.checked(declaring(**TAXI), parameters.pairs([text]), taxi)

    assert f"--parameter {text.split('=')[0]}" in str(refused.value)
    assert problem in str(refused.value)


def test_all_problems_are_told_at_once(taxi):
    declared = declaring(**TAXI, data_date={"parameterType": "STRING"})

    with pytest.raises(UsageError) as refused:
        parameters.checked(declared, {"training_train_steps": "abc", "x": "1"}, taxi)

    head, *problems = str(refused.value).splitlines()
    assert head == "the job does not take these parameters:"
    assert [problem.split(":")[0].strip() for problem in problems] == [
        "--parameter x",
        "--parameter data_date",
        "--parameter training_train_steps=abc",
    ]


def test_an_empty_value_is_as_compiled(taxi):
    assert parameters.checked(declaring(**TAXI), {"training_train_steps": ""}, taxi)


@pytest.mark.parametrize("text", ["training_model", "=dnn", ""])
def test_a_parameter_without_name_or_value_is_refused(text):
    with pytest.raises(UsageError, match="expected NAME=VALUE"):
        parameters.pairs([text])
