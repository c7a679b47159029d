"""The bytes of a template, to the registry and back, over its own HTTPS."""

from __future__ import annotations

import contextlib
import hashlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pipeline.errors import CloudError
from pipeline.gcp import clients
from pipeline.gcp.templates import Package

_TIMEOUT_S = 30.0


def version_of(content: bytes) -> str:
    """The registry's name of these bytes."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def upload(package: Package, content: bytes) -> str:
    """Puts them there, without a tag; returns the version.

    Raises:
      CloudError: the registry said no, or took something else for them.
    """
    from kfp import registry
    from kfp.registry.registry_client import ApiAuth

    with tempfile.TemporaryDirectory() as folder, _asking("publish the template"):
        file = Path(folder) / "pipeline.yaml"
        file.write_bytes(content)
        client = registry.RegistryClient(package.url, auth=ApiAuth(clients.token()))
        name, version = client.upload_pipeline(str(file))
    if (name, version) != (package.name, version_of(content)):
        raise CloudError(
            f"publish the template: the registry keeps it as {name}/{version}, and not "
            f"as {package.name}/{version_of(content)}; no tag was moved"
        )
    return version


def download(package: Package, version: str) -> bytes:
    """The bytes of a version, which are held against its name.

    Raises:
      CloudError: they are not there, or are other ones.
    """
    import requests

    with _asking("read the template"):
        answer = requests.get(
            package.address(version),
            headers={"Authorization": f"Bearer {clients.token()}"},
            timeout=_TIMEOUT_S,
        )
        answer.raise_for_status()
    if version_of(answer.content) != version:
        raise CloudError(
            "read the template: the registry's bytes are "
            f"{version_of(answer.content)}, and not {version}"
        )
    return answer.content


@contextlib.contextmanager
def _asking(what: str) -> Iterator[None]:
    """HTTP's errors, as those of Google's other services are told."""
    import requests
    from google.api_core import exceptions

    with clients.asking(what):
        try:
            yield
        except requests.HTTPError as error:
            raise exceptions.from_http_response(error.response) from None
        except requests.RequestException as error:
            raise exceptions.ServiceUnavailable(str(error)) from None
