"""What a change does to an endpoint's traffic; no request is made here.

The split always sums to 100 and names only what is deployed. One version is the stable
one; beside it at most one canary has a part of the traffic.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Literal

from pipeline.errors import UsageError

NEW = "0"
"""In a split: the model that the same request deploys."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Deployed:
    """A version on the endpoint."""

    id: str
    """The service's name of this deployment."""

    version: str
    percent: int
    machine: str = ""


@dataclasses.dataclass(frozen=True)
class State:
    """The endpoint now."""

    deployed: tuple[Deployed, ...] = ()
    """In the order of deployment."""

    stable: str | None = None
    """Id of what took all traffic last; None while only the first one ever did."""

    before: str | None = None
    """Id of what was stable before that."""

    etag: str = ""
    """The service's mark of this state; a change to a later one is refused."""

    labels: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def of_version(self, version: str) -> Deployed | None:
        """The deployment of the version, if there is one."""
        return next((d for d in self.deployed if d.version == version), None)

    def of_id(self, id_: str | None) -> Deployed | None:
        """The deployment with that id, if it is still there."""
        return next((d for d in self.deployed if d.id == id_), None)

    @property
    def main(self) -> Deployed | None:
        """The stable deployment, which a canary stands beside."""
        first = self.deployed[0] if self.deployed else None
        return self.of_id(self.stable) or first

    @property
    def canary(self) -> Deployed | None:
        """What has a part of the traffic and is not the stable one."""
        others = (d for d in self.deployed if d != self.main)
        return next((d for d in others if d.percent), None)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Change:
    """One request to the service, or none."""

    kind: Literal["deploy", "split", "undeploy", "none"]
    version: str
    split: Mapping[str, int]
    """Id -> percent, afterwards."""

    stable: str | None = None
    before: str | None = None
    words: str
    """What it does, or why there is nothing to do."""


def deploy(state: State, version: str, percent: int) -> Change:
    """The version beside the stable one with so much of the traffic; all if alone.

    Raises:
      UsageError: it is the stable one, or another canary has traffic.
    """
    main, there, canary = state.main, state.of_version(version), state.canary
    if main is None:
        return _changed(
            state, "deploy", version, {NEW: 100}, f"version {version} takes all"
        )
    if there == main:
        if percent not in (100, main.percent):
            raise UsageError(
                f"version {version} is the stable one; it has what a canary leaves"
            )
        return _nothing(state, version, f"version {version} serves already")
    if percent == 100:
        raise UsageError(
            "--traffic 100: a new version starts as a canary. Deploy it with up to 99, "
            "then `endpoint promote`"
        )
    if canary and canary != there:
        raise UsageError(
            f"version {canary.version} is the canary with {canary.percent} %. First "
            "`endpoint promote` or `endpoint rollback`"
        )
    if there and there.percent == percent:
        return _nothing(state, version, f"version {version} has {percent} % already")
    id_ = there.id if there else NEW
    split = _without_zeros({main.id: 100 - percent, id_: percent})
    kind: Literal["deploy", "split"] = "split" if there else "deploy"
    words = f"version {version} takes {percent} %, version {main.version} the rest"
    return _changed(state, kind, version, split, words)


def promote(state: State, version: str | None = None) -> Change:
    """All traffic to the canary, or to a version that is deployed.

    Raises:
      UsageError: there is no canary, or the version is not deployed.
    """
    chosen = _require_deployed(state, version) if version else state.canary
    if chosen is None:
        raise UsageError(
            "no version is the canary. Deploy one: `endpoint deploy VERSION`, or name "
            f"one that is deployed. Deployed: {_versions(state)}"
        )
    if chosen.percent == 100:
        return _nothing(state, chosen.version, f"version {chosen.version} has all")
    main = state.main
    return Change(
        kind="split",
        version=chosen.version,
        split={chosen.id: 100},
        stable=chosen.id,
        before=main.id if main and main != chosen else state.before,
        words=f"version {chosen.version} takes all traffic",
    )


def rollback(state: State) -> Change:
    """All traffic to the stable version; if it has all, to the one before it.

    Raises:
      UsageError: there is none, or it is not deployed any more.
    """
    main = state.main
    if main is None:
        raise UsageError("nothing is deployed, so there is nothing to roll back to")
    if main.percent < 100:
        words = f"version {main.version} takes all traffic again"
        return _changed(state, "split", main.version, {main.id: 100}, words)
    target = state.of_id(state.before)
    if target is None:
        gone = " any more; deploy it again" if state.before else ""
        raise UsageError(
            f"version {main.version} has all traffic, and what served before it is not "
            f"deployed{gone}. Deployed: {_versions(state)}"
        )
    return Change(
        kind="split",
        version=target.version,
        split={target.id: 100},
        stable=target.id,
        words=f"version {target.version} takes all traffic again",
    )


def undeploy(state: State, version: str) -> Change:
    """Takes a version without traffic off its machine.

    Raises:
      UsageError: it is not deployed, or has traffic.
    """
    chosen = _require_deployed(state, version)
    if chosen.percent:
        raise UsageError(
            f"version {version} has {chosen.percent} % of the traffic. First give it "
            "to another: `endpoint promote` or `endpoint rollback`"
        )
    split = _split(state)
    return _changed(state, "undeploy", version, split, f"version {version} goes")


def _changed(
    state: State,
    kind: Literal["deploy", "split", "undeploy", "none"],
    version: str,
    split: Mapping[str, int],
    words: str,
) -> Change:
    return Change(
        kind=kind,
        version=version,
        split=split,
        stable=state.stable,
        before=state.before,
        words=words,
    )


def _nothing(state: State, version: str, words: str) -> Change:
    return _changed(state, "none", version, _split(state), words)


def _split(state: State) -> dict[str, int]:
    return _without_zeros({d.id: d.percent for d in state.deployed})


def _without_zeros(split: dict[str, int]) -> dict[str, int]:
    return {id_: percent for id_, percent in split.items() if percent}


def _require_deployed(state: State, version: str) -> Deployed:
    found = state.of_version(version)
    if found is None:
        raise UsageError(
            f"version {version} is not deployed. Deployed: {_versions(state)}"
        )
    return found


def _versions(state: State) -> str:
    return ", ".join(d.version for d in state.deployed) or "none"
