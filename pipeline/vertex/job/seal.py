"""A digest in the compiled job, so that a change by hand does not go unseen."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

LABEL = "millrace-digest"
"""A label: Vertex keeps it, so a job there can be traced to its file."""

# A label's value holds 63 characters; 40 of SHA-256 are enough against accidents.
_LENGTH = 40


def seal(job: dict[str, Any]) -> None:
    """Writes the digest of the job into it."""
    labels = job.setdefault("labels", {})
    labels[LABEL] = _digest(job)


def is_intact(job: Mapping[str, Any]) -> bool:
    """Whether the job is as it was sealed; one that never was is not."""
    return job.get("labels", {}).get(LABEL) == _digest(job)


def _digest(job: Mapping[str, Any]) -> str:
    labels = {k: v for k, v in job.get("labels", {}).items() if k != LABEL}
    text = json.dumps({**job, "labels": labels}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:_LENGTH]
