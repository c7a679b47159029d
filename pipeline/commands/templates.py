"""publish, templates and run-template: compiled pipelines in Artifact Registry."""

from __future__ import annotations

import dataclasses
import datetime
import json
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline import quiet
from pipeline.commands import asking, check, options
from pipeline.commands import jobs as jobs_command
from pipeline.commands.options import (
    DryRequest,
    DryRun,
    Every,
    Files,
    Output,
    Parameters,
    Sets,
    Trigger,
    Yes,
)
from pipeline.gcp import jobs, templates
from pipeline.vertex.job import admission
from pipeline.vertex.runs import following
from pipeline.vertex.templates import publishing

if TYPE_CHECKING:
    from pipeline.gcp.templates import Package, Template

Reference = Annotated[
    str, typer.Argument(help="A tag, or a version: sha256:DIGEST or its first digits.")
]


def publish(
    tag: Annotated[
        list[str] | None, typer.Option("--tag", metavar="TAG", help="One more tag.")
    ] = None,
    allow_dirty: Annotated[
        bool,
        typer.Option("--allow-dirty", help="Publish changed files, as COMMIT-dirty."),
    ] = False,
    dry_run: DryRun = False,
    config: Files = None,
    set_: Sets = None,
) -> None:
    """Upload the compiled pipeline, tagged with commit, version and `latest`."""
    loaded = options.on_vertex(config, set_)
    package = templates.package_of(loaded)
    tags = publishing.tags(tag or (), allow_dirty=allow_dirty)
    templates.check_tags(tags)
    admission.require(loaded)
    with quiet.imports():
        from pipeline.vertex.job import compile as vertex

    content = vertex.spec_yaml(vertex.compile_job(loaded)).encode("utf-8")
    publication = publishing.plan(package, content, tags)
    if not dry_run:
        publishing.publish(publication, content)
    _say(publication, dry_run)
    typer.echo(package.address(publication.version))


def run_template(
    reference: Reference,
    parameter: Parameters = None,
    run_id: jobs_command.RunId = None,
    wait: jobs_command.Wait = False,
    every: Every = following.EVERY_S,
    dry_run: DryRequest = False,
    trigger: Trigger = "hand",
    config: Files = None,
    set_: Sets = None,
) -> None:
    """Run a published pipeline in this configuration's project, after the checks."""
    from pipeline.vertex.job import parameters
    from pipeline.vertex.runs import submission
    from pipeline.vertex.templates import run as template_run

    loaded = options.on_vertex(config, set_)
    package = templates.package_of(loaded)
    given = parameters.pairs(parameter or ())
    template = templates.find(package, reference)
    job = template_run.pipeline_job(loaded, package, template, given, trigger)
    now = datetime.datetime.now(datetime.UTC)
    run = run_id or jobs.new_id(loaded.pipeline_name, now)
    if dry_run:
        typer.echo(submission.shown(loaded, job, run))
        return
    # Its parameters are held against the template already.
    check.require(template_run.in_its_image(loaded, job), ())
    jobs_command.start(loaded, job, run, wait, every)


def templates_app() -> typer.Typer:
    """`templates list | show | tag | delete`."""
    app = typer.Typer(help="The published pipelines: their versions and tags.")

    @app.command("list")
    def list_(
        output: Output = "table", config: Files = None, set_: Sets = None
    ) -> None:
        """List the versions, newest first."""
        package = _package(config, set_)
        known = templates.versions(package)
        if output == "json":
            typer.echo(json.dumps([dataclasses.asdict(each) for each in known]))
        else:
            _print_table(package, known)

    @app.command("show")
    def show(reference: Reference, config: Files = None, set_: Sets = None) -> None:
        """Print the YAML of a version."""
        from pipeline.gcp import template_files

        package = _package(config, set_)
        template = templates.find(package, reference)
        content = template_files.download(package, template.version)
        typer.echo(content.decode("utf-8"), nl=False)

    @app.command("tag")
    def tag(
        reference: Reference,
        tag: Annotated[str, typer.Argument(help="The tag to put on it.")],
        dry_run: DryRun = False,
        config: Files = None,
        set_: Sets = None,
    ) -> None:
        """Put a tag on a version, also one that is on another; `latest` rolls back."""
        package = _package(config, set_)
        known = templates.versions(package)
        version = templates.find(package, reference).version
        moves = templates.plan(known, version, [tag])
        if not dry_run:
            templates.move(package, moves)
        for each in moves:
            typer.echo(_words(each), err=True)

    @app.command("delete")
    def delete(
        reference: Reference,
        yes: Yes = False,
        dry_run: DryRun = False,
        config: Files = None,
        set_: Sets = None,
    ) -> None:
        """Delete a version with its tags; or, of a tag, the tag alone."""
        _delete(_package(config, set_), reference, yes, dry_run)

    return app


def _delete(package: Package, reference: str, yes: bool, dry_run: bool) -> None:
    template = templates.find(package, reference)
    only_tag = reference in template.tags
    if only_tag:
        typer.echo(f"tag {reference}: off {template.version}, which stays", err=True)
    else:
        tags = f", with its tags {', '.join(template.tags)}" if template.tags else ""
        typer.echo(f"{package.name} {template.version}: deleted{tags}", err=True)
    if dry_run:
        return
    asking.require("Delete?", yes)
    if only_tag:
        templates.delete_tag(package, reference)
    else:
        templates.delete_version(package, template.version)


def _package(config: list[str] | None, set_: list[str] | None) -> Package:
    return templates.package_of(options.on_vertex(config, set_))


def _say(publication: publishing.Publication, dry_run: bool) -> None:
    would = "would be " if dry_run else ""
    state = f"{would}uploaded" if publication.is_new else "is there already"
    typer.echo(f"{publication.package.name} {publication.version}: {state}", err=True)
    for move in publication.moves:
        typer.echo(f"  {_words(move)}", err=True)


def _words(move: templates.Move) -> str:
    if move.before is None:
        return f"{move.tag}: new"
    if move.before == move.after:
        return f"{move.tag}: stays"
    return f"{move.tag}: moved from {move.before}"


def _print_table(package: Package, known: list[Template]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None)
    for column in (package.name, "published (UTC)", "tags"):
        table.add_column(column, overflow="fold")
    for template in known:
        short = template.version[: len("sha256:") + 12]
        when = template.created.replace("T", " ").rstrip("Z")
        table.add_row(short, when, ", ".join(template.tags))
    Console().print(table if known else f"{package.name}: nothing is published yet")
