"""TFDV's statistics of rows and each column's distribution, without Beam."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa
import tensorflow_data_validation as tfdv
from tensorflow_data_validation.statistics import stats_impl
from tensorflow_metadata.proto.v0 import statistics_pb2

from pipeline.data.distribution import Distribution


def options() -> tfdv.StatsOptions:
    """What is counted, in one process and on workers."""
    return tfdv.StatsOptions(generators=[Distribution()])


def computed(
    batches: Iterable[pa.RecordBatch],
) -> statistics_pb2.DatasetFeatureStatisticsList:
    """The statistics of all rows; memory does not grow with them."""
    generators = stats_impl.get_generators(options(), in_memory=True)
    totals = [generator.create_accumulator() for generator in generators]
    for batch in batches:
        totals = [
            generator.add_input(total, batch)
            for generator, total in zip(generators, totals, strict=True)
        ]
    return stats_impl.extract_statistics_output(totals, generators)
