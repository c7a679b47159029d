"""Traces of a preprocessing_fn, and the SavedModel that it becomes."""

from __future__ import annotations

import collections
import json
import os
from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf
import tensorflow_transform as tft
from tensorflow.python.eager import wrap_function
from tensorflow_transform import (
    annotators,
    graph_context,
    graph_tools,
    impl_helper,
    nodes,
    schema_inference,
    tf2_utils,
)
from tensorflow_transform.beam import analysis_graph_builder
from tensorflow_transform.saved import saved_transform_io_v2
from tensorflow_transform.tf_metadata import dataset_metadata, metadata_io

from pipeline.analysis import plan
from pipeline.analysis.kernels import Batch

PreprocessingFn = Callable[[Any], Mapping[str, tf.Tensor]]
Specs = Mapping[str, tf.TypeSpec]


class Graph:
    """A preprocessing_fn and what it needs to know of all the data."""

    def __init__(
        self,
        preprocessing_fn: PreprocessingFn,
        specs: Specs,
        shards: plan.Shards,
        scratch: str,
    ) -> None:
        """Traces it, and plans its analysis; no data are read.

        Args:
          preprocessing_fn: the user's.
          specs: of the inputs.
          shards: the data from their beginning, each time.
          scratch: a folder, where TFT puts vocabularies that are not known yet.

        Raises:
          plan.UnknownAnalyzerError: an analyzer of it can only run on Beam.
          ValueError: it does not put out a dict of tensors.
        """
        self._preprocessing_fn, self._specs = preprocessing_fn, dict(specs)
        self._scratch = scratch
        with annotators.object_tracker_scope(annotators.ObjectTracker()):
            self._first = self._traced(tf.Module(), None, None).get_concrete_function()
        graph, outputs = self._first.graph, self._first.structured_outputs
        if not isinstance(outputs, dict) or not outputs:
            raise ValueError("the preprocessing_fn must return a dict of tensors")
        inputs = tf2_utils.get_structured_inputs_from_func_graph(graph)
        self._assets = annotators.get_asset_annotations(graph)
        annotators.clear_asset_annotations(graph)
        self._fingerprint = graph_tools.get_analyzers_fingerprint(graph, inputs)
        last, _, _ = analysis_graph_builder.build(graph, inputs, outputs)
        visitor = plan.Visitor(shards, self._function)
        self._found = nodes.Traverser(visitor).visit_value_node(last)

    def save(self, folder: str, schema: Any) -> None:
        """Reads the data as often as it must, and writes what TFX's Transform would.

        Args:
          folder: of the TransformGraph artifact.
          schema: of the raw data.
        """
        places = tft.TFTransformOutput
        module = tf.Module()
        names: dict[str, str] = {}
        traced = self._traced(module, self._found.value, None, names)
        function = saved_transform_io_v2.write_v2_saved_model(
            module,
            traced,
            "transform_fn",
            os.path.join(folder, places.TRANSFORM_FN_DIR),
        )
        self._require_the_same_analyzers(function.graph)
        transformed = os.path.join(folder, places.TRANSFORMED_METADATA_DIR)
        metadata_io.write_metadata(_metadata(function, names), transformed)
        if self._assets:
            path = os.path.join(transformed, places.ASSET_MAP)
            with tf.io.gfile.GFile(path, "w") as file:
                file.write(json.dumps(self._assets))
        raw = dataset_metadata.DatasetMetadata(schema)
        metadata_io.write_metadata(raw, os.path.join(folder, places.RAW_METADATA_DIR))

    def _traced(
        self,
        module: tf.Module,
        found: plan.Replacements | None,
        outputs: dict[str, str] | None,
        names: dict[str, str] | None = None,
    ) -> Any:
        """A tf.function of it, in which the placeholders are what was found."""

        def remembered(inputs: Any) -> Mapping[str, tf.Tensor]:
            features = self._preprocessing_fn(inputs)
            if names is not None:  # the function's own outputs have other names
                names.update(schema_inference._get_tensor_value_to_key_map(features))
            return features

        context = graph_context.TFGraphContext(module, self._scratch, found)
        return impl_helper.get_traced_transform_fn(
            remembered, self._specs, context, outputs
        )

    def _function(
        self, found: plan.Replacements, outputs: dict[str, str]
    ) -> Callable[[Any], Batch]:
        """The part of the graph that the analyzers of a phase ask for."""
        if found:
            module = tf.Module()  # its tables live as long as it does
            traced = self._traced(module, found, outputs)
            function = saved_transform_io_v2.trace_and_update_module(
                module, traced, "transform_fn", strip_control_dependencies=False
            )
        else:
            module, graph = None, self._first.graph
            function = _part(
                graph,
                {key: graph.get_tensor_by_name(name) for key, name in outputs.items()},
                self._first.inputs,
                self._first.structured_input_signature,
            )

        def apply(inputs: Any, tables: tf.Module | None = module) -> Batch:
            return {key: value.numpy() for key, value in function(inputs).items()}

        return apply

    def _require_the_same_analyzers(self, graph: tf.Graph) -> None:
        """Raises RuntimeError where a second trace has other analyzers."""
        inputs = tf2_utils.get_structured_inputs_from_func_graph(graph)
        impl_helper._validate_analyzers_fingerprint(self._fingerprint, graph, inputs)


def _metadata(function: Any, names: dict[str, str]) -> Any:
    """What is known of the outputs, from the graph that they are made by.

    TFT traces the preprocessing_fn once more for it (schema_inference.py).
    """
    inference, graph = schema_inference, function.graph
    found: dict[str, list[Any]] = collections.defaultdict(list)
    found |= inference._get_schema_overrides(
        graph,
        names,
        inference._TF_METADATA_TENSOR_COLLECTION,
        [
            inference._TF_METADATA_TENSOR_MIN_COLLECTION,
            inference._TF_METADATA_TENSOR_MAX_COLLECTION,
        ],
    )
    found |= inference._get_schema_overrides(
        graph,
        names,
        inference._TF_METADATA_EXTRA_ANNOTATION,
        [
            inference._TF_METADATA_EXTRA_ANNOTATION_TYPE_URL,
            inference._TF_METADATA_EXTRA_ANNOTATION_PROTO,
        ],
        inference._TF_METADATA_EXTRA_ANNOTATION_GLOBAL,
    )
    found[inference._METADATA_SPARSE_OUTPUT_OVERRIDES_FIELD] = [
        inference._get_sparse_output_annotations_v2(graph, names)
    ]
    known = _evaluated(graph, dict(found))
    schema = inference.infer_feature_schema_v2(
        function.structured_outputs, lambda: known, evaluate_schema_overrides=True
    )
    return dataset_metadata.DatasetMetadata(schema)


def _evaluated(graph: tf.Graph, values: Any) -> Any:
    """The same with the values of the graph's constants, and text as TFT has it."""
    flat = tf.nest.flatten(values)
    tensors = {
        str(place): value
        for place, value in enumerate(flat)
        if isinstance(value, tf.Tensor)
    }
    answers = _part(graph, tensors)() if tensors else {}
    return tf.nest.pack_sequence_as(
        values,
        [
            answers[str(place)] if str(place) in answers else tf.constant(value)
            for place, value in enumerate(flat)
        ],
    )


def _part(
    graph: tf.Graph,
    fetches: Mapping[str, tf.Tensor],
    feeds: Any = (),
    signature: Any = None,
) -> Any:
    """A function of a part of the graph."""
    wrapped = wrap_function.WrappedFunction(
        graph, variable_holder=wrap_function.VariableHolder(share_variables=True)
    )
    return wrapped.prune(feeds=feeds, fetches=dict(fetches), input_signature=signature)
