"""Runs the pipeline on this machine.

python local_runner.py                 run the default configuration
python local_runner.py --help          everything else
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

# Before anything imports TensorFlow, and for every child process: TensorFlow Transform
# would otherwise switch them to Keras 2 (field notes, trap 6).
os.environ["TF_USE_LEGACY_KERAS"] = "0"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")
os.environ.setdefault("GLOG_minloglevel", "2")  # ml_metadata tells of each connection

import typer
from rich.console import Console

from pipeline import errors, quiet
from pipeline.commands import (
    console,
    gate,
    lineage,
    models,
    notify,
    predict,
    reports,
    retention,
)
from pipeline.commands.options import Files, Sets, Trigger
from pipeline.config import config as config_lib
from pipeline.config import layers
from pipeline.platforms import last_success
from pipeline.runs import folder

app = typer.Typer(
    help="Runs the Millrace pipeline on this machine.",
    epilog="Exit codes: 0 ok, 1 a component failed, 2 usage or configuration, "
    "3 data refused, 4 model not blessed, 5 push failed, 75 try again, 130 "
    "interrupted.",
    no_args_is_help=False,
    pretty_exceptions_enable=False,
)
config_app = typer.Typer(help="Show or check the configuration.")
schema_app = typer.Typer(help="A first schema from new data, for a person to review.")
cache_app = typer.Typer(help="Why a node would run or be taken from the cache.")
app.add_typer(config_app, name="config")
app.add_typer(schema_app, name="schema")
app.add_typer(cache_app, name="cache")
app.add_typer(notify.notify_app("local"), name="notify")
app.add_typer(models.model_app("local"), name="model")
app.add_typer(lineage.lineage_app("local"), name="lineage")
app.command("watch")(notify.watch_command("local", last_success.local))
reports.add(app)
app.command("predict")(predict.here)
app.command("gc")(retention.gc)
app.add_typer(gate.gate_app(gate.override), name="gate")


@app.callback(invoke_without_command=True)
def _default(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        raise typer.Exit(_run(_load(None, None).config, (), (), []))


@app.command()
def run(
    config: Files = None,
    set_: Sets = None,
    sample: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="First N rows only; never pushed."),
    ] = None,
    from_: Annotated[
        list[str] | None,
        typer.Option(
            "--from", metavar="NODE", help="Start here, reuse what is before."
        ),
    ] = None,
    to: Annotated[
        list[str] | None, typer.Option("--to", metavar="NODE", help="End here.")
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option("--only", metavar="NODE", help="Run just this.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Run even when nothing changed.")
    ] = False,
    trigger: Trigger = "hand",
) -> None:
    """Run the pipeline; finished work is taken from the cache."""
    sets = [*(set_ or []), *([f"data.sample={sample}"] if sample else [])]
    loaded = _load(config, sets)
    first, last = [*(from_ or []), *(only or [])], [*(to or []), *(only or [])]
    options = _options(config, set_)
    raise typer.Exit(_run(loaded.config, first, last, options, force, trigger))


@app.command()
def resume(
    run_id: Annotated[str | None, typer.Argument(help="Default: the newest.")] = None,
    config: Files = None,
    set_: Sets = None,
) -> None:
    """Run a failed run's configuration again; what it finished is in the cache."""
    output_root = _load(config, set_).config.output_root
    summary = folder.last(output_root, run_id)
    if summary.succeeded:
        raise errors.UsageError(
            f"run {summary.run_id} succeeded; there is nothing to resume"
        )
    resumed = folder.config_of(output_root, summary.run_id)
    raise typer.Exit(_run(resumed, (), (), _options(config, set_)))


@app.command("runs")
def show_runs(
    run_id: Annotated[str | None, typer.Argument(help="Default: list all.")] = None,
    config: Files = None,
    set_: Sets = None,
) -> None:
    """List the runs, newest first, or show one with every check of its verdict."""
    from pipeline.local import terminal as progress

    output_root = _load(config, set_).config.output_root
    terminal = Console()
    if run_id is None:
        terminal.print(progress.runs_table(folder.newest_first(output_root)))
        return
    summary = folder.last(output_root, run_id)
    if summary.was_cut_off:
        raise errors.UsageError(f"run {run_id} was cut off; it left no summary")
    progress.print_summary(terminal, summary)
    progress.print_checks(terminal, summary.checks)


@config_app.command("show")
def config_show(
    config: Files = None,
    set_: Sets = None,
    origin: Annotated[bool, typer.Option(help="Say where each value is from.")] = False,
) -> None:
    """Print every value of the resolved configuration."""
    loaded = _load(config, set_)
    for key, value in layers.leaves(loaded.config.model_dump(mode="json")):
        source = f"  # {loaded.origins.get(key, 'default')}" if origin else ""
        typer.echo(f"{key}: {json.dumps(value, ensure_ascii=False)}{source}")


@config_app.command("validate")
def config_validate(config: Files = None, set_: Sets = None) -> None:
    """Check the configuration and the data folder; start nothing."""
    from pipeline.data import preflight

    loaded = _load(config, set_)
    preflight.check_reviewed(loaded.config)
    files = preflight.check(loaded.config.data)
    preflight.check_columns(loaded.config, files)
    for warning in preflight.warnings(loaded.config):
        typer.echo(f"warning: {warning}", err=True)
    typer.echo(
        f"ok: {len(files)} data file(s), configuration {loaded.config.digest[:12]}"
    )


@schema_app.command("infer")
def schema_infer(config: Files = None, set_: Sets = None) -> None:
    """Print the schema that the data suggests."""
    loaded = _load(config, set_)
    schema = _schema_module(loaded.config)
    typer.echo(schema.inferred(loaded.config).text, nl=False)


@schema_app.command("diff")
def schema_diff(config: Files = None, set_: Sets = None) -> None:
    """Show how the data's schema differs from the curated one."""
    from pipeline.data import preflight

    loaded = _load(config, set_)
    preflight.check_reviewed(loaded.config)
    difference = _schema_module(loaded.config).difference(loaded.config)
    typer.echo(difference or "no difference\n", nl=False)


@schema_app.command("baseline")
def schema_baseline(
    output: Annotated[Path, typer.Option(help="Where the statistics are written.")],
    config: Files = None,
    set_: Sets = None,
) -> None:
    """Write the data's statistics, for `validation.baseline_statistics`."""
    from pipeline.data import preflight

    loaded = _load(config, set_)
    preflight.check_reviewed(loaded.config)
    content = _schema_module(loaded.config).observed(loaded.config)
    try:
        output.write_bytes(content.SerializeToString())
    except OSError as error:
        raise errors.UsageError(f"--output {output}: {error.strerror}") from None
    typer.echo(f"{output}: {content.datasets[0].num_examples:,} rows")


@cache_app.command("explain")
def cache_explain(
    node: Annotated[
        str | None, typer.Argument(help="A node, such as Trainer; default: all.")
    ] = None,
    config: Files = None,
    set_: Sets = None,
) -> None:
    """Say whether a node would run or hit, and which change decides."""
    from pipeline.data import preflight
    from pipeline.local.selection import Selection

    loaded = _load(config, set_)
    Selection((node,) if node else ())
    preflight.check_reviewed(loaded.config)
    preflight.check(loaded.config.data)
    with quiet.imports():
        from pipeline.local import cache

    for line in cache.explain(loaded.config, node):
        typer.echo(line)


@app.command()
def doctor() -> None:
    """Print what this machine and environment offer, and what is missing."""
    script = config_lib.ROOT / "bootstrap" / "doctor.sh"
    raise typer.Exit(subprocess.run(["bash", str(script), sys.prefix]).returncode)


def _load(config: list[str] | None, sets: list[str] | None) -> config_lib.Loaded:
    return config_lib.load(config or (), sets or (), platform="local")


def _options(config: list[str] | None, sets: list[str] | None) -> list[str]:
    """The options as typed, for the hint of what to type next."""
    files = [word for file in config or () for word in ("--config", file)]
    return [*files, *(word for value in sets or () for word in ("--set", value))]


def _run(
    config: config_lib.Config,
    first: Sequence[str],
    last: Sequence[str],
    options: list[str],
    force: bool = False,
    trigger: str = "hand",
) -> int:
    from pipeline.local import run as local
    from pipeline.local.selection import Selection

    selection = Selection(tuple(first), tuple(last))
    return local.run(config, selection, options, force, trigger)


def _schema_module(config: config_lib.Config):  # noqa: ANN202 (imports TensorFlow)
    from pipeline.data import preflight

    preflight.check(config.data)
    with quiet.imports():
        from pipeline.data import schema

    return schema


def main() -> int:
    """Runs the command line; returns the exit code."""
    return console.run(app)


if __name__ == "__main__":
    sys.exit(main())
