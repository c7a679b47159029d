"""A registry of each kind."""

from tests.unit.pipeline.registry.fixtures import serving, vertex
