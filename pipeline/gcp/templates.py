"""The compiled pipelines in Artifact Registry: their versions, and the tags on them.

kfp's own client lists, tags and deletes only in registries that are not Google's.
"""

from __future__ import annotations

import dataclasses
import re
import urllib.parse
from collections.abc import Sequence
from typing import Any

from pipeline.config.config import Config
from pipeline.errors import ConfigError, UsageError
from pipeline.gcp import clients

_TIMEOUT_S = 30.0
_DELETE_S = 30.0
_TAG = re.compile(r"[A-Za-z0-9._~-]{1,128}")


@dataclasses.dataclass(frozen=True)
class Package:
    """All versions of one pipeline."""

    url: str
    """Of the repository, such as https://REGION-kfp.pkg.dev/PROJECT/REPOSITORY."""

    region: str
    name: str
    """The pipeline's."""

    @property
    def resource(self) -> str:
        """As the API names it."""
        project, repository = urllib.parse.urlsplit(self.url).path.split("/")[1:]
        parent = f"{clients.location(project, self.region)}/repositories/{repository}"
        return f"{parent}/packages/{self.name}"

    def address(self, reference: str) -> str:
        """The URL of a version or a tag; what a job's template_uri is."""
        return f"{self.url}/{self.name}/{reference}"


@dataclasses.dataclass(frozen=True)
class Template:
    """One version; the same bytes are always the same one."""

    version: str
    """sha256: and the digest of the bytes."""

    tags: tuple[str, ...]
    created: str
    """UTC, to the second, in ISO 8601."""


@dataclasses.dataclass(frozen=True)
class Move:
    """What happens to a tag."""

    tag: str
    before: str | None
    """The version it was on."""

    after: str


def package_of(config: Config) -> Package:
    """Where the configuration's pipeline is published.

    Raises:
      ConfigError: `vertex.templates` is not set.
    """
    if config.vertex is None or config.vertex.templates is None:
        raise ConfigError(
            "vertex.templates: is required here: the repository of format KFP, such as "
            "https://europe-west4-kfp.pkg.dev/PROJECT/pipelines"
        )
    url = config.vertex.templates
    host = urllib.parse.urlsplit(url).netloc
    region, ours, _ = host.partition("-kfp.pkg.dev")
    return Package(url, region if ours else config.vertex.region, config.pipeline_name)


def versions(package: Package) -> list[Template]:
    """All of them, the newest first; none when nothing was published yet.

    Raises:
      CloudError: the registry said no; CloudUnavailable: it is busy.
    """
    from google.api_core import exceptions
    from google.cloud import artifactregistry_v1 as api

    request = api.ListVersionsRequest(
        parent=package.resource, view=api.VersionView.FULL
    )
    with clients.asking("list the templates"):
        try:
            found = list(_client().list_versions(request=request, timeout=_TIMEOUT_S))
        except exceptions.NotFound:
            return []
    found.sort(key=lambda version: version.create_time, reverse=True)
    return [_template(version) for version in found]


def find(package: Package, reference: str) -> Template:
    """The version of that name, or that a tag is on.

    Args:
      package: to look in.
      reference: a tag, sha256:DIGEST, or at least its first eight digits.

    Raises:
      UsageError: there is none; the tags that there are, are named.
    """
    known = versions(package)
    for template in known:
        if reference in (template.version, *template.tags):
            return template
    digits = reference.removeprefix("sha256:")
    begin = [t for t in known if t.version.removeprefix("sha256:").startswith(digits)]
    if len(digits) >= 8 and len(begin) == 1:
        return begin[0]
    tags = ", ".join(tag for template in known for tag in template.tags)
    raise UsageError(
        f"{package.name}: there is no template '{reference}'. Tags: {tags or 'none'}"
        + ("" if known else ". To publish one: python vertex_runner.py publish")
    )


def plan(known: Sequence[Template], version: str, tags: Sequence[str]) -> list[Move]:
    """What putting the tags on a version means.

    Raises:
      UsageError: a tag that the registry would not take.
    """
    check_tags(tags)
    on = {tag: template.version for template in known for tag in template.tags}
    return [Move(tag, on.get(tag), version) for tag in dict.fromkeys(tags)]


def check_tags(tags: Sequence[str]) -> None:
    """Looks at the words alone.

    Raises:
      UsageError: names every tag that the registry would not take.
    """
    wrong = [tag for tag in tags if not _TAG.fullmatch(tag)]
    if wrong:
        raise UsageError(
            f"{', '.join(map(repr, wrong))}: not a tag; allowed are letters, digits "
            "and . _ ~ -, up to 128"
        )


def move(package: Package, moves: Sequence[Move]) -> None:
    """Puts the tags where they belong; those that are there already stay untouched."""
    from google.cloud import artifactregistry_v1 as api

    client = _client()
    for each in moves:
        if each.before == each.after:
            continue
        tag = api.Tag(
            name=f"{package.resource}/tags/{each.tag}",
            version=f"{package.resource}/versions/{each.after}",
        )
        with clients.asking(f"put the tag {each.tag} on {each.after}"):
            if each.before is None:
                client.create_tag(
                    parent=package.resource,
                    tag_id=each.tag,
                    tag=tag,
                    timeout=_TIMEOUT_S,
                )
            else:
                client.update_tag(
                    tag=tag, update_mask={"paths": ["version"]}, timeout=_TIMEOUT_S
                )


def delete_version(package: Package, version: str) -> None:
    """Deletes the bytes, and every tag that is on them."""
    from google.cloud import artifactregistry_v1 as api

    request = api.DeleteVersionRequest(
        name=f"{package.resource}/versions/{version}", force=True
    )
    with clients.asking(f"delete {version}"):
        operation = _client().delete_version(request=request, timeout=_TIMEOUT_S)
        clients.ended(operation, f"delete {version}", _DELETE_S)


def delete_tag(package: Package, tag: str) -> None:
    """Takes the tag off; the version stays."""
    with clients.asking(f"take the tag {tag} off"):
        _client().delete_tag(name=f"{package.resource}/tags/{tag}", timeout=_TIMEOUT_S)


def _client() -> Any:
    from google.cloud import artifactregistry_v1 as api

    url = clients.address("artifactregistry", "https://artifactregistry.googleapis.com")
    return clients.client(api.ArtifactRegistryClient, url)


def _template(version: Any) -> Template:
    return Template(
        version.name.rpartition("/")[2],
        tuple(sorted(tag.name.rpartition("/")[2] for tag in version.related_tags)),
        version.create_time.strftime("%Y-%m-%dT%H:%M:%SZ"),
    )
