"""A digest in the compiled job, so that a change by hand does not go unseen."""

from __future__ import annotations

import hashlib
import json

from pipeline.vertex.job.job import Job

LABEL = "millrace-digest"
"""A label: Vertex keeps it, so a job there can be traced to its file."""

# A label's value holds 63 characters; 40 of SHA-256 are enough against accidents.
_LENGTH = 40


def seal(job: Job) -> None:
    """Writes the digest of the job into it."""
    job.labels[LABEL] = _digest(job)


def is_intact(job: Job) -> bool:
    """Whether the job is as it was sealed; one that never was is not."""
    return job.labels.get(LABEL) == _digest(job)


def _digest(job: Job) -> str:
    labels = {k: v for k, v in job.labels.items() if k != LABEL}
    text = json.dumps({**job.to_dict(), "labels": labels}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:_LENGTH]
