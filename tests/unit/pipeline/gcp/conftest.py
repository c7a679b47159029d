"""Google's services on loopback: jobs, models, metadata."""

from tests.unit.pipeline.metadata.fixtures import empty_store, recorded
from tests.unit.pipeline.registry.fixtures import serving, vertex
from tests.unit.pipeline.vertex.fixtures import compiled, google, job, job_file, trips
