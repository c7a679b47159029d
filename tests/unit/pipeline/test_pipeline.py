"""The graph as both runners get it."""

from __future__ import annotations

import pytest
from tfx.dsl.compiler import compiler

from pipeline import nodes as nodes_lib
from pipeline.config import config as config_lib
from pipeline.pipeline import create_pipeline


@pytest.fixture(scope="module")
def nodes():
    """Id -> compiled node, in the order they run."""
    config = config_lib.load().config
    ir = compiler.Compiler().compile(create_pipeline(config))
    return {n.pipeline_node.node_info.id: n.pipeline_node for n in ir.nodes}


def test_every_node_has_a_fingerprint_of_its_code_in_the_order_of_the_graph(nodes):
    assert list(nodes) == list(nodes_lib.MODULES)


@pytest.mark.parametrize("node", ["Transform", "Trainer", "Evaluator"])
def test_nothing_heavy_starts_before_the_data_was_accepted(nodes, node):
    upstream, open_ = set(), [node]
    while open_:
        for parent in nodes[open_.pop()].upstream_nodes:
            if parent not in upstream:
                upstream.add(parent)
                open_.append(parent)

    assert "SchemaValidator" in upstream


def test_transform_learns_from_the_train_split_alone(nodes):
    value = nodes["Transform"].parameters.parameters["splits_config"]
    text = value.field_value.string_value.replace(" ", "").replace("\n", "")

    assert '"analyze":["train"]' in text
    assert '"test"' not in text


def test_a_model_of_a_sample_is_withheld():
    config = config_lib.load(overrides=["data.sample=10"]).config

    pipeline = create_pipeline(config)

    (pusher,) = [c for c in pipeline.components if c.id == "Pusher"]
    assert pusher.exec_properties["withheld"] == ("a model of a sample is never pushed")
