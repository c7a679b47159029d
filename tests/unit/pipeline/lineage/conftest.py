"""Stores with a history."""

from tests.unit.pipeline.metadata.fixtures import (
    database,
    empty_database,
    empty_store,
    recorded,
)
