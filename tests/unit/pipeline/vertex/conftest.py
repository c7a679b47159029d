"""Vertex AI on loopback, and a compiled job."""

from tests.unit.pipeline.vertex.fixtures import compiled, google, job, job_file, trips
