"""What must be true before a job is submitted, asked of Google in seconds.

All checks run, also when one fails, and at once; each is one line, and a failed one
ends with the command that mends it.
"""

from __future__ import annotations

import dataclasses
import queue
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence

from pipeline.config import layers
from pipeline.config.config import Config
from pipeline.config.vertex import VertexConfig
from pipeline.errors import CloudError, MillraceError, UsageError
from pipeline.gcp import bucket, images, location, regions
from pipeline.gcp.rest import FINDING, Rest, words_of
from pipeline.vertex.job import admission
from pipeline.vertex.job import parameters as parameters_lib

LIMIT_S = 20.0
"""For all of them together."""

_PLACEHOLDER = re.compile(r"\byour-|@sha256:0{64}$")
_APIS = ("aiplatform", "artifactregistry", "storage", "iam")


@dataclasses.dataclass(frozen=True)
class Check:
    """What came of one."""

    name: str
    state: str
    """ok, warning, failed or 'not asked'."""

    words: str
    mend: str = ""
    """A command, or what to set."""


Question = Callable[[Rest, Config, VertexConfig], Check]


def run(
    config: Config, parameters: Sequence[str] = (), limit_s: float = LIMIT_S
) -> list[Check]:
    """All checks of the configuration.

    Args:
      config: of the vertex platform.
      parameters: NAME=VALUE, to be given at submission.
      limit_s: for all questions together.
    """
    vertex = location.vertex_of(config)
    here = [_paths(config), _parameters(config, parameters), *_placeholders(config)]
    known = {check.name for check in here}
    questions = {name: ask for name, ask in _QUESTIONS.items() if name not in known}
    try:
        rest = Rest()
    except CloudError as error:
        failed = Check("credentials", "failed", *_split(str(error)))
        missing = [
            Check(name, "not asked", "there are no credentials") for name in questions
        ]
        return _in_order([failed, *missing, *here])
    found = _asked(questions, rest, config, vertex, limit_s)
    return _in_order([Check("credentials", "ok", rest.who), *found, *here])


def _split(text: str) -> tuple[str, str]:
    """What is wrong, and what to do about it."""
    what, _, mend = text.removeprefix(f"{FINDING}: ").partition(". On a laptop: ")
    return what, mend


def _in_order(checks: Sequence[Check]) -> list[Check]:
    names = ["credentials", *_QUESTIONS, "paths", "parameters"]
    return sorted(checks, key=lambda check: names.index(check.name))


def _asked(
    questions: Mapping[str, Question],
    rest: Rest,
    config: Config,
    vertex: VertexConfig,
    limit_s: float,
) -> list[Check]:
    """Every answer that came in time; the threads do not keep the process alive."""
    answers: queue.SimpleQueue[Check] = queue.SimpleQueue()

    def ask(name: str, question: Question) -> None:
        try:
            answers.put(question(rest, config, vertex))
        except MillraceError as error:
            answers.put(Check(name, "failed", str(error)))

    for each in questions.items():
        threading.Thread(target=ask, args=each, daemon=True).start()
    return _collected(answers, set(questions), limit_s)


def _collected(
    answers: queue.SimpleQueue[Check], waited_for: set[str], limit_s: float
) -> list[Check]:
    end = time.monotonic() + limit_s
    found: list[Check] = []
    while waited_for:
        try:
            check = answers.get(timeout=max(0.0, end - time.monotonic()))
        except queue.Empty:
            late = f"no answer in {limit_s:g} s"
            return [*found, *(Check(name, "failed", late) for name in waited_for)]
        waited_for.discard(check.name)
        found.append(check)
    return found


def _placeholders(config: Config) -> list[Check]:
    """Values nobody has replaced yet; there is nothing to ask about them."""
    vertex = location.vertex_of(config)
    values = {
        "project": ("vertex.project", vertex.project),
        "bucket": ("output_root", config.output_root),
        "image": ("vertex.image", vertex.image),
        "service account": ("vertex.service_account", vertex.service_account or ""),
    }
    found = [
        Check(name, "failed", f"{key} still is '{value}'", f"set {key} to your own")
        for name, (key, value) in values.items()
        if _PLACEHOLDER.search(value)
    ]
    if _PLACEHOLDER.search(vertex.project):
        found.append(Check("APIs", "not asked", "there is no project to ask about"))
    return found


def _paths(config: Config) -> Check:
    """What the job could not reach, from here; nothing is asked."""
    # That the output is no bucket is told as such, with the command that makes one.
    found = [p for p in admission.path_problems(config) if "output_root: " not in p]
    if found:
        return Check("paths", "failed", "; ".join(found))
    return Check("paths", "ok", "none is only on this machine")


def _parameters(config: Config, given: Sequence[str]) -> Check:
    """As the compiled job will declare them; nothing is asked."""
    try:
        names = parameters_lib.require(config, parameters_lib.pairs(given))
    except UsageError as error:
        return Check("parameters", "failed", str(error))
    return Check("parameters", "ok", ", ".join(names))


def _project(rest: Rest, config: Config, vertex: VertexConfig) -> Check:
    status, found = rest.ask("cloudresourcemanager", f"v3/projects/{vertex.project}")
    mend = "gcloud projects list, then set vertex.project"
    if status != 200:
        words = f"no project {vertex.project} that {rest.who} may see"
        return Check("project", "failed", _because(words, found), mend)
    if found.get("state") != "ACTIVE":
        words = f"{vertex.project} is {str(found.get('state')).lower()}"
        return Check("project", "failed", words, mend)
    number = found["name"].removeprefix("projects/")
    return Check("project", "ok", f"{vertex.project}, number {number}")


def _bucket(rest: Rest, config: Config, vertex: VertexConfig) -> Check:
    if not config.output_root.startswith("gs://"):
        words = f"output_root is a folder, {config.output_root}; Vertex writes to gs://"
        return Check("bucket", "failed", words, "set output_root to gs://BUCKET/FOLDER")
    name = config.output_root.removeprefix("gs://").partition("/")[0]
    status, found = rest.ask("storage", f"storage/v1/b/{name}")
    create = (
        f"gcloud storage buckets create gs://{name} --location={vertex.region} "
        f"--project={vertex.project}"
    )
    if status == 404:
        return Check("bucket", "failed", f"there is no bucket {name}", create)
    if status != 200:
        words = _because(f"{rest.who} may not see {name}", found)
        mend = _grant(
            f"storage buckets add-iam-policy-binding gs://{name}",
            rest.who,
            "roles/storage.legacyBucketReader",
        )
        return Check("bucket", "failed", words, mend)
    places = regions.of_bucket(found)
    if not regions.holds(places, vertex.region):
        words = (
            f"{name} is in {', '.join(places)}, and the job runs in {vertex.region}: "
            "each task would read across regions, slowly and for money"
        )
        mend = f"set vertex.region to {places[0]}, or {create}"
        return Check("bucket", "failed", words, _other_name(mend))
    return Check("bucket", "ok", f"{name} in {', '.join(places)}")


def _data(rest: Rest, config: Config, vertex: VertexConfig) -> Check:
    """Asked as who asks; whether the tasks' account may, only a task can tell."""
    paths = {"push.path": config.push.path}
    if config.data.query is None:
        paths["data.path"] = config.data.path
    uris = {key: uri for key, uri in paths.items() if uri and uri.startswith("gs://")}
    for key, uri in uris.items():
        status, found = bucket.first_in(rest, uri)
        name = uri.removeprefix("gs://").partition("/")[0]
        if status == 404:
            words = f"{key}: there is no bucket {name}"
            return Check("data", "failed", words, f"set {key} to one that there is")
        if status != 200:
            mend = _grant(
                f"storage buckets add-iam-policy-binding gs://{name}",
                rest.who,
                "roles/storage.objectViewer",
            )
            words = _because(f"{key}: {rest.who} may not read {uri}", found)
            return Check("data", "failed", words, mend)
        if key == "data.path" and not found.get("items"):
            mend = f"gcloud storage cp -r FOLDER {uri}"
            return Check("data", "failed", f"{key}: nothing lies in {uri}", mend)
    return Check("data", "ok", ", ".join(uris.values()) or "in the image, or asked for")


def _other_name(mend: str) -> str:
    """A bucket's name is taken for ever; the one to make needs another."""
    return re.sub(r"create gs://\S+", "create gs://ANOTHER-NAME", mend)


def _apis(rest: Rest, config: Config, vertex: VertexConfig) -> Check:
    wanted = [f"{name}.googleapis.com" for name in (*_APIS, *_for_secrets(config))]
    project = vertex.project
    query = "&".join(f"names=projects/{project}/services/{each}" for each in wanted)
    status, found = rest.ask(
        "serviceusage", f"v1/projects/{project}/services:batchGet?{query}"
    )
    if status != 200:
        words = _because(f"{rest.who} may not ask which are on", found)
        return Check(
            "APIs", "failed", words, f"gcloud services list --project={project}"
        )
    on = {
        each["name"].rsplit("/", 1)[-1]
        for each in found.get("services", ())
        if each.get("state") == "ENABLED"
    }
    off = [each for each in wanted if each not in on]
    if off:
        mend = f"gcloud services enable {' '.join(off)} --project={project}"
        return Check("APIs", "failed", f"{', '.join(off)}: not enabled", mend)
    return Check("APIs", "ok", ", ".join(each.split(".")[0] for each in wanted))


def _for_secrets(config: Config) -> tuple[str, ...]:
    values = layers.leaves(config.notifications.model_dump(mode="json"))
    used = any(str(value).startswith("sm://") for _, value in values)
    return ("secretmanager",) if used else ()


def _service_account(rest: Rest, config: Config, vertex: VertexConfig) -> Check:
    email = vertex.service_account
    if email is None:
        words = "not set: tasks run as the project's default account, with its rights"
        return Check("service account", "warning", words, "set vertex.service_account")
    path = f"v1/projects/-/serviceAccounts/{email}"
    if rest.ask("iam", path)[0] == 404:
        name = email.partition("@")[0]
        mend = f"gcloud iam service-accounts create {name} --project={vertex.project}"
        return Check("service account", "failed", f"there is no {email}", mend)
    permission = "iam.serviceAccounts.actAs"
    asked, held = rest.ask(
        "iam", f"{path}:testIamPermissions", {"permissions": [permission]}
    )
    if asked != 200 or permission not in held.get("permissions", ()):
        mend = _grant(
            f"iam service-accounts add-iam-policy-binding {email}",
            rest.who,
            "roles/iam.serviceAccountUser",
        )
        words = _because(f"{rest.who} may not run tasks as {email}", held)
        return Check("service account", "failed", words, mend)
    return Check("service account", "ok", email)


def _image(rest: Rest, config: Config, vertex: VertexConfig) -> Check:
    try:
        image = images.parse(vertex.image)
    except ValueError as error:
        return Check(
            "image", "failed", str(error), "set vertex.image to HOST/PATH@DIGEST"
        )
    status, digest = images.digest_of(rest, image)
    if status == 404:
        words = f"the registry has no {vertex.image}"
        mend = f"gcloud artifacts docker images list {image.place}"
        return Check("image", "failed", words, mend)
    if status != 200:
        words = f"{rest.who} may not read {vertex.image} (status {status})"
        mend = f"gcloud auth configure-docker {image.host}"
        return Check("image", "failed", words, mend)
    if not image.has_digest:
        words = (
            f"{vertex.image} is a tag, which may mean another image tomorrow; cached "
            "results would not notice"
        )
        mend = f"set vertex.image to {image.place}@{digest}"
        return Check("image", "warning", words, mend)
    return Check("image", "ok", f"{image.place} with that digest")


def _because(words: str, found: object) -> str:
    said = words_of(found)
    return f"{words}: {said}" if said else words


def _grant(command: str, who: str, role: str) -> str:
    kind = "serviceAccount" if who.endswith(".gserviceaccount.com") else "user"
    return f"gcloud {command} --member={kind}:{who} --role={role}"


_QUESTIONS: Mapping[str, Question] = {
    "project": _project,
    "bucket": _bucket,
    "data": _data,
    "APIs": _apis,
    "service account": _service_account,
    "image": _image,
}
