"""Which regions a bucket's bytes are in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

# Source: Cloud Storage's documentation of bucket locations, predefined dual-regions.
_DUAL = {
    "ASIA1": ("asia-northeast1", "asia-northeast2"),
    "EUR4": ("europe-north1", "europe-west4"),
    "EUR5": ("europe-west1", "europe-west2"),
    "EUR7": ("europe-west2", "europe-west3"),
    "EUR8": ("europe-west3", "europe-west6"),
    "NAM4": ("us-central1", "us-east1"),
}
_MULTI = {"EU": "europe-", "US": "us-", "ASIA": "asia-"}


def of_bucket(bucket: Mapping[str, Any]) -> tuple[str, ...]:
    """Its regions, or its multi-region.

    Args:
      bucket: the JSON of storage/v1/b/NAME.
    """
    chosen = bucket.get("customPlacementConfig", {}).get("dataLocations", ())
    if chosen:
        return tuple(place.lower() for place in chosen)
    location = str(bucket.get("location", "")).upper()
    if location in _MULTI:
        return (location,)
    return _DUAL.get(location, (location.lower(),))


def holds(places: Sequence[str], region: str) -> bool:
    """Whether a job in the region reads those places without leaving it."""
    return any(
        place == region or (place in _MULTI and region.startswith(_MULTI[place]))
        for place in places
    )
