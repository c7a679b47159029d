"""The default store of Vertex ML Metadata; a project that never used it has none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_ID = "default"


def name(parent: str) -> str:
    """Its resource name.

    Args:
      parent: projects/PROJECT/locations/REGION.
    """
    return f"{parent}/metadataStores/{_ID}"


def make(
    service: Any, parent: str, encryption_key: str, left_s: Callable[[], float]
) -> None:
    """Makes it, and waits until it is there.

    Args:
      service: a MetadataServiceClient.
      parent: projects/PROJECT/locations/REGION.
      encryption_key: CMEK of all that it will hold; '' is Google's.
      left_s: how many seconds the next step, request or waiting, may take.
    """
    from google.cloud import aiplatform_v1

    store = aiplatform_v1.MetadataStore()
    if encryption_key:
        store.encryption_spec.kms_key_name = encryption_key
    service.create_metadata_store(
        parent=parent,
        metadata_store=store,
        metadata_store_id=_ID,
        timeout=left_s(),
    ).result(timeout=left_s())
