"""The rules of names and labels that Google's services share."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tests.fakes import server


def require_labels(labels: Mapping[str, str]) -> None:
    """Refuses what cannot be a label."""
    if len(labels) > 64:
        server.refuse("INVALID_ARGUMENT", "labels: at most 64 may be given")
    for key, value in labels.items():
        if not re.fullmatch(r"[^\W\d_A-Z][^\WA-Z]*(?:[-_][^\WA-Z]*)*", key):
            server.refuse("INVALID_ARGUMENT", f"labels: invalid key '{key}'")
        if not re.fullmatch(r"(?:[^\WA-Z]|[-_])*", value):
            server.refuse(
                "INVALID_ARGUMENT",
                f"labels: invalid value '{value}' of '{key}': only lowercase letters, "
                "numeric characters, underscores and dashes are allowed",
            )
        if max(len(key), len(value)) > 63:
            server.refuse(
                "INVALID_ARGUMENT", f"labels: '{key}' is longer than 63 characters"
            )
