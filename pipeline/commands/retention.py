"""gc: drop the payloads of old runs, and keep their lineage."""

from __future__ import annotations

import dataclasses
import json
import os
from typing import Annotated, Any

import typer

from pipeline.commands import asking
from pipeline.commands.options import DryRun, Files, Output, Sets, Yes
from pipeline.config import config as config_lib
from pipeline.platforms import settings
from pipeline.registry.local import LocalRegistry
from pipeline.runs import folder

# What reads stores is imported when it is asked: --help has no use for it.


def gc(
    keep_last: Annotated[
        int, typer.Option(min=0, metavar="N", help="Runs that keep everything.")
    ],
    keep_champions: Annotated[
        bool, typer.Option("--keep-champions", help="All that ever were champion.")
    ] = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    output: Output = "table",
    config: Files = None,
    set_: Sets = None,
) -> None:
    """Drop the files of runs older than the newest N; who made what stays on record.

    The champion, the one before it, the candidate and all that they were made of stay,
    and what a kept run uses. Other pushed versions of old runs go, from the serving
    folder too.
    """
    from pipeline.lineage import names, retention
    from pipeline.metadata import connections, sql

    loaded = config_lib.load(config or (), set_ or (), platform="local").config
    registry = settings.registry_of(loaded, "local")
    assert isinstance(registry, LocalRegistry)
    with folder.locked(loaded.output_root):
        store = sql.SqlStore(connections.opened(loaded.store))
        names.pipeline(store, loaded.pipeline_name, None)
        keeper = retention.Retention(store, loaded, registry)
        plan = keeper.plan(keep_last, keep_champions)
        if output == "json":
            typer.echo(json.dumps(_plain(plan), indent=2))
        else:
            typer.echo(_table(plan, loaded.output_root))
        if dry_run or not plan.dropped:
            typer.echo("nothing was deleted", err=True)
            return
        asking.require(f"Delete {_bytes(plan.size)}?", yes)
        keeper.carry_out(plan, keep_last, keep_champions)
        typer.echo(f"deleted {_bytes(plan.size)}", err=True)


def _plain(plan: Any) -> dict[str, object]:
    return {
        "schema": "millrace-gc-1",
        "bytes": plan.size,
        **dataclasses.asdict(plan),
    }


def _table(plan: Any, root: str) -> str:
    """The plan for people: each folder with its size, then why others stay."""
    shown = [
        f"  {_bytes(each.size):>10}  {each.type:<18} {os.path.relpath(each.path, root)}"
        for each in plan.dropped
    ]
    kept = [f"  {count:>10}  {reason}" for reason, count in plan.kept.items()]
    head = (
        f"{len(plan.runs)} old run(s); of them go {len(plan.dropped)} folder(s) and "
        f"file(s), {_bytes(plan.size)}, below {root}"
    )
    return "\n".join([head, *shown, *(["artifacts that stay:", *kept] if kept else [])])


def _bytes(size: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
