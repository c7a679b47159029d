"""notify and watch: people are told, or were not."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from pipeline import errors
from pipeline.commands.options import Files, Sets
from pipeline.config import config as config_lib

Successes = Callable[[config_lib.Config], tuple[str, float] | None]


def notify_app(platform: str) -> typer.Typer:
    """`notify test` and `notify flush`."""
    app = typer.Typer(help="Try a channel, or send what could not be sent.")

    @app.command("test")
    def test(
        channel: Annotated[
            str, typer.Argument(help="The channel's name in the configuration.")
        ],
        dry_run: Annotated[
            bool, typer.Option("--dry-run", help="Show the message, send nothing.")
        ] = False,
        config: Files = None,
        set_: Sets = None,
    ) -> None:
        """Send one message to one channel, or show it."""
        loaded = _load(platform, config, set_)
        _test(loaded, channel, dry_run)

    @app.command("flush")
    def flush(config: Files = None, set_: Sets = None) -> None:
        """Send what waits in the outboxes; what went out never goes again."""
        _flush(_load(platform, config, set_))

    return app


def watch_command(platform: str, last_success: Successes) -> Callable[..., None]:
    """`watch`, for cron: is the last success too long ago?"""

    def watch(
        expect_every: Annotated[
            str, typer.Option("--expect-every", metavar="TIME", help="90m, 24h or 2d.")
        ],
        config: Files = None,
        set_: Sets = None,
    ) -> None:
        """Exit with 1 and tell people when no run succeeded in time; made for cron."""
        loaded = _load(platform, config, set_)
        raise typer.Exit(_watch(loaded, expect_every, last_success, platform))

    return watch


def _load(
    platform: str, config: list[str] | None, sets: list[str] | None
) -> config_lib.Config:
    return config_lib.load(config or (), sets or (), platform=platform).config


def _test(config: config_lib.Config, name: str, dry_run: bool) -> None:
    from pipeline.notifications import channels, completion, message
    from pipeline.runs.facts import RunFacts

    known = config.notifications.channels
    if name not in known:
        raise errors.UsageError(
            f"'{name}' is not a channel here. Known: {', '.join(sorted(known))}"
        )
    now = time.time()
    facts = RunFacts(
        pipeline=config.pipeline_name,
        run_id="test",
        outcome="TEST",
        reasons=(f"a message to try the channel {name}; nothing is wrong",),
        started=now,
        ended=now,
    )
    words = message.compose(facts)
    parcel = channels.Parcel("test", words, completion.event(facts, (), words), False)
    channel = known[name]
    if dry_run:
        typer.echo(f"to: {channels.destination(name, channel)}")
        typer.echo(f"subject: {words.subject}\n\n{words.text}")
        if channel.kind in ("webhook", "pubsub"):
            typer.echo(json.dumps(parcel.event, indent=2, ensure_ascii=False))
        return
    try:
        channels.send(
            name,
            channel,
            parcel,
            _test_folder(config, channel.kind),
            config.notifications.secret_manager_endpoint,
        )
    except errors.NotDelivered as error:
        raise errors.NotDelivered(f"{name}: not sent: {error}", False) from None
    typer.echo(f"{name}: sent")


def _test_folder(config: config_lib.Config, kind: str) -> Path:
    """Where a message to try a channel goes; only the channel `file` writes there."""
    runs = config.runs_path
    return (_folder(runs) if kind == "file" else Path(runs)) / "test"


def _flush(config: config_lib.Config) -> None:
    from pipeline.notifications import notify, outbox

    folders = (_folder(config.runs_path), _folder(config.watch_path))
    found = [
        each
        for folder in folders
        for each in notify.flush(config.notifications, folder)
    ]
    for delivery in found:
        typer.echo(str(delivery))
    for file in [file for folder in folders for file in outbox.cut_off(folder)]:
        typer.echo(
            f"{file}: was being sent when the process died, so it may have arrived. "
            f"To send it again: mv {file} {file.with_suffix('.json')}"
        )
    failed = sum(delivery.outcome != "sent" for delivery in found)
    if failed:
        raise errors.NotDelivered(f"{failed} still waiting", transient=True)
    held = sum(1 for folder in folders for _ in outbox.waiting(folder))
    if held:
        typer.echo(f"{held} held by quiet hours")
    elif not found:
        typer.echo("nothing waits")


def _folder(uri: str) -> Path:
    """The folder, or where the bucket is mounted here.

    Raises:
      UsageError: it is a bucket, and not mounted here.
    """
    from pipeline import files

    if "://" not in uri:
        return Path(uri)
    found = files.mounted(uri)
    if found is None:
        raise errors.UsageError(
            f"output_root: {uri} is not mounted at {files.folder(uri)}. Mount the "
            "bucket there (gcsfuse), or give a folder that keeps the messages: "
            "--set output_root=DIR"
        )
    return found


def _watch(
    config: config_lib.Config, every: str, last_success: Successes, platform: str
) -> int:
    from pipeline.notifications import watch

    folder = _folder(config.watch_path)
    try:
        watch.seconds(every)
    except ValueError as error:
        raise errors.UsageError(f"--expect-every: {error}") from None
    facts = watch.overdue(
        config.pipeline_name, last_success(config), every, time.time(), platform
    )
    if facts is None:
        typer.echo(f"{config.pipeline_name}: a run succeeded within {every}")
        return 0
    typer.echo(f"{config.pipeline_name}: OVERDUE: {facts.reasons[0]}")
    for delivery in watch.report(facts, config.notifications, folder):
        typer.echo(f"  {delivery}")
    return 1
