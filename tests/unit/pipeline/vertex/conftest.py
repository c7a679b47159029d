"""Vertex AI on loopback, a compiled job, and what its containers are started in."""

from tests.unit.pipeline.vertex.fixtures import (
    compiled,
    containers,
    google,
    image,
    job,
    job_file,
    trips,
)
