"""The pipeline on Vertex AI Pipelines; with no arguments it compiles and sends nothing.

python vertex_runner.py compile --output job.json
python vertex_runner.py rehearse --set output_root=DIR --set data.path=DIR
python vertex_runner.py check
python vertex_runner.py submit --wait
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

# Before anything imports TensorFlow: Keras 3 everywhere (field notes, trap 6).
os.environ["TF_USE_LEGACY_KERAS"] = "0"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")

import typer
from rich.console import Console

from pipeline import beam_arguments, errors, quiet
from pipeline.commands import (
    check,
    components,
    console,
    endpoint,
    experiments,
    gate,
    jobs,
    lineage,
    models,
    notify,
    predict,
    schedules,
    templates,
    vertex_gate,
    vertex_report,
)
from pipeline.commands.options import Files, Parameters, Sets
from pipeline.config import config as config_lib
from pipeline.platforms import last_success
from pipeline.vertex.job import admission, parameters

app = typer.Typer(
    help="Compiles, rehearses and runs the Millrace pipeline on Vertex AI Pipelines.",
    epilog="Exit codes: 0 ok, 1 failed or no, 2 usage, configuration, a check or a "
    "refusal of Google's, 3 data refused, 4 model not blessed, 5 push failed, 75 try "
    "again, 130 interrupted.",
    pretty_exceptions_enable=False,
)
app.command("check")(check.check)
jobs.add_to(app)
app.command("report")(vertex_report.report)
app.add_typer(notify.notify_app("vertex"), name="notify")
app.add_typer(schedules.schedule_app(), name="schedule")
app.add_typer(models.model_app("vertex"), name="model")
app.add_typer(lineage.lineage_app("vertex"), name="lineage")
app.add_typer(gate.gate_app(vertex_gate.override), name="gate")
app.add_typer(components.components_app(), name="components")
app.add_typer(templates.templates_app(), name="templates")
app.command("publish")(templates.publish)
app.command("run-template")(templates.run_template)
app.add_typer(endpoint.app, name="endpoint")
app.add_typer(experiments.app, name="experiments")
app.command("predict")(predict.there)
app.command("watch")(notify.watch_command("vertex", last_success.on_vertex))


@app.callback(invoke_without_command=True)
def _default(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        compile_()


@app.command("compile")
def compile_(
    config: Files = None,
    set_: Sets = None,
    output: Annotated[
        Path, typer.Option(help="FILE.json: the job. FILE.yaml: its pipeline spec.")
    ] = Path("output/vertex/pipeline.json"),
    explain: Annotated[
        bool, typer.Option("--explain", help="Show machines, hours, image, identity.")
    ] = False,
) -> None:
    """Write the job; the same configuration gives the same bytes."""
    loaded = config_lib.load(config or (), set_ or (), platform="vertex")
    if warning := beam_arguments.warning(loaded.config):
        typer.echo(f"warning: {warning}", err=True)
    admission.require(loaded.config)
    _require_place(output)
    with quiet.imports():
        from pipeline.vertex.job import compile as vertex

    job = vertex.compile_job(loaded.config)
    with _writing(output):
        output.write_text(_text(job, output), encoding="utf-8")
    if explain:
        from pipeline.vertex.job import description

        for line in description.header(job):
            typer.echo(line)
        Console().print(description.table(job))
    typer.echo(f"{output}: {len(job.spec['components'])} components")


@app.command()
def rehearse(
    config: Files = None,
    set_: Sets = None,
    parameter: Parameters = None,
    fail_at: Annotated[
        str | None,
        typer.Option("--fail-at", metavar="TASK", help="Let this task fail."),
    ] = None,
) -> None:
    """Run the compiled job here, container by container, folders as buckets."""
    loaded = config_lib.load(config or (), set_ or (), platform="vertex")
    parameters.require(loaded.config, parameters.pairs(parameter or ()))
    with quiet.imports():
        from pipeline.vertex.rehearsal import rehearse as rehearse_lib

    raise typer.Exit(rehearse_lib.run(loaded.config, parameter or (), fail_at))


def _require_place(output: Path) -> None:
    """Before the seconds of compiling."""
    with _writing(output):
        output.parent.mkdir(parents=True, exist_ok=True)
        if output.is_dir():
            raise errors.UsageError(f"--output {output}: is a folder; expected a file")


@contextlib.contextmanager
def _writing(output: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise errors.UsageError(f"--output {output}: {error.strerror}") from None


def _text(job: Any, output: Path) -> str:
    """JSON of the job, or YAML of the spec, which is what registries take."""
    if output.suffix in (".yaml", ".yml"):
        from pipeline.vertex.job import compile as vertex

        return vertex.spec_yaml(job)
    return json.dumps(job.to_dict(), indent=2, sort_keys=True) + "\n"


def main() -> int:
    """Runs the command line; returns the exit code."""
    return console.run(app)


if __name__ == "__main__":
    sys.exit(main())
