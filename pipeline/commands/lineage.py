"""lineage: an auditor's questions, the same in every command line."""

from __future__ import annotations

import datetime
import pathlib
import tempfile
from collections.abc import Callable
from typing import Annotated, Any

import typer

from pipeline import errors
from pipeline.commands import asking
from pipeline.commands.options import Files, Sets
from pipeline.config import config as config_lib

# What reads stores is imported when one is asked: --help has no use for it.

Name = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="Pushed folder or a copy of it, version, id, URI, run or digest.",
    ),
]
Run = Annotated[str, typer.Argument(metavar="RUN", help="Or 'latest'.")]
StoreUri = Annotated[
    str | None,
    typer.Option(
        envvar="MILLRACE_STORE",
        metavar="URI",
        help="FILE, mysql://..., postgresql://... or 'vertex'. "
        "Default: that of the configuration.",
    ),
]
PipelineName = Annotated[
    str | None, typer.Option(metavar="NAME", help="Default: the configuration's.")
]
Output = Annotated[
    str, typer.Option(help="table, tree, json; trace and impact: mermaid, dot.")
]

ToFile = Annotated[
    str | None, typer.Option("--output", metavar="FILE", help="Default: stdout.")
]


def lineage_app(platform: str) -> typer.Typer:
    """The questions, asked of the platform's store unless --store names another."""
    app = typer.Typer(
        help="Where a model came from, and what became of it.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
    )
    for name, question in _QUESTIONS.items():
        app.command(name)(question(platform))
    return app


def _trace(platform: str) -> Callable[..., None]:
    def trace(
        model: Name,
        store: StoreUri = None,
        pipeline: PipelineName = None,
        output: Output = "table",
        config: Files = None,
        set_: Sets = None,
    ) -> None:
        """Everything upstream of a model, to the raw files."""
        from pipeline.lineage import trace as questions

        asked = _Asked(platform, store, pipeline, config, set_)
        _print(questions.trace(asked.store, asked.pipeline, model), output)

    return trace


def _impact(platform: str) -> Callable[..., None]:
    def impact(
        data: Annotated[
            str,
            typer.Argument(metavar="DATA", help="File, span:N, sha256:HEX or id."),
        ],
        store: StoreUri = None,
        pipeline: PipelineName = None,
        output: Output = "table",
        config: Files = None,
        set_: Sets = None,
    ) -> None:
        """Every model that learned from some data, and where each was pushed."""
        from pipeline.lineage import impact as questions
        from pipeline.lineage import moves

        asked = _Asked(platform, store, pipeline, config, set_)
        seen = moves.of_pipeline(asked.store, asked.pipeline)
        found = questions.impact(asked.store, asked.pipeline, data, seen)
        _print(found, output)

    return impact


def _diff(platform: str) -> Callable[..., None]:
    def diff(
        a: Annotated[str, typer.Argument(metavar="MODEL_A")],
        b: Annotated[str, typer.Argument(metavar="MODEL_B")],
        store: StoreUri = None,
        pipeline: PipelineName = None,
        output: Output = "table",
        config: Files = None,
        set_: Sets = None,
    ) -> None:
        """What differs between two models: data, code, config, versions, metrics."""
        from pipeline.lineage import diff as questions

        asked = _Asked(platform, store, pipeline, config, set_)
        _print(questions.diff(asked.store, asked.pipeline, a, b), output)

    return diff


def _runs(platform: str) -> Callable[..., None]:
    def runs(
        failed: Annotated[bool, typer.Option("--failed")] = False,
        pushed: Annotated[bool, typer.Option("--pushed")] = False,
        since: Annotated[str | None, typer.Option(metavar="DATE")] = None,
        store: StoreUri = None,
        pipeline: PipelineName = None,
        output: Output = "table",
        config: Files = None,
        set_: Sets = None,
    ) -> None:
        """The recorded runs, newest first."""
        from pipeline.lineage import history

        asked = _Asked(platform, store, pipeline, config, set_)
        answer = history.runs(
            asked.store,
            asked.pipeline,
            failed=failed,
            pushed=pushed,
            since=_moment(since, "--since"),
        )
        _print(answer, output)

    return runs


def _show(platform: str) -> Callable[..., None]:
    def show(
        run: Run,
        store: StoreUri = None,
        pipeline: PipelineName = None,
        output: Output = "table",
        config: Files = None,
        set_: Sets = None,
    ) -> None:
        """Everything recorded of one run."""
        from pipeline.lineage import history

        asked = _Asked(platform, store, pipeline, config, set_)
        _print(history.show(asked.store, asked.pipeline, run), output)

    return show


def _why(platform: str) -> Callable[..., None]:
    def why(
        run: Run,
        store: StoreUri = None,
        pipeline: PipelineName = None,
        output: Output = "table",
        config: Files = None,
        set_: Sets = None,
    ) -> None:
        """Why a run's model was, or was not, pushed."""
        from pipeline.lineage import why as questions

        asked = _Asked(platform, store, pipeline, config, set_)
        _print(questions.why(asked.store, asked.pipeline, run), output)

    return why


def _champion(platform: str) -> Callable[..., None]:
    def champion(
        at: Annotated[
            str | None,
            typer.Option(metavar="DATE", help="2026-11-25 or 2026-11-25T14:00:00Z."),
        ] = None,
        store: StoreUri = None,
        pipeline: PipelineName = None,
        output: Output = "table",
        config: Files = None,
        set_: Sets = None,
    ) -> None:
        """What is served, or was served then."""
        from pipeline.lineage import history, moves

        asked = _Asked(platform, store, pipeline, config, set_)
        moment = _moment(at, "--at")
        found = moves.of_pipeline(asked.store, asked.pipeline)
        _print(history.champion(asked.store, asked.pipeline, moment, found), output)

    return champion


def _timeline(platform: str) -> Callable[..., None]:
    def timeline(
        model_name: Annotated[str | None, typer.Argument(metavar="MODEL_NAME")] = None,
        store: StoreUri = None,
        pipeline: PipelineName = None,
        output: Output = "table",
        config: Files = None,
        set_: Sets = None,
    ) -> None:
        """What became of the models of one name, in order."""
        from pipeline.lineage import history, moves

        asked = _Asked(platform, store, pipeline, config, set_)
        found = moves.of_pipeline(asked.store, asked.pipeline)
        _print(history.timeline(asked.store, asked.pipeline, model_name, found), output)

    return timeline


def _verify(platform: str) -> Callable[..., None]:
    def verify(
        model: Annotated[str | None, typer.Argument(metavar="MODEL")] = None,
        all_: Annotated[
            bool, typer.Option("--all", help="Every push, all data.")
        ] = False,
        data: Annotated[
            list[str] | None,
            typer.Option(metavar="DIR", help="Look here for raw files that moved."),
        ] = None,
        signature: Annotated[
            str | None,
            typer.Option(metavar="FILE", help="A statement that `sign` wrote."),
        ] = None,
        public_key: Annotated[
            str | None,
            typer.Option(metavar="REFERENCE|FILE", help="The signer's public key."),
        ] = None,
        store: StoreUri = None,
        pipeline: PipelineName = None,
        output: Output = "table",
        config: Files = None,
        set_: Sets = None,
    ) -> None:
        """Compute the digests anew; 1 when something changed or is missing."""
        from pipeline.lineage import verify as questions

        if (model is None) == (not all_):
            raise errors.UsageError("name one MODEL, or --all")
        if (signature is None) != (public_key is None) or (signature and all_):
            raise errors.UsageError(
                "--signature and --public-key go together, with one MODEL"
            )
        asked = _Asked(platform, store, pipeline, config, set_)
        answer = questions.verify(asked.store, asked.pipeline, model, data or ())
        if model and signature and public_key:
            from pipeline.exports import checking, subject

            found = subject.of(asked.store, asked.pipeline, model)
            copy = model if pathlib.Path(model).is_dir() else None
            answer = checking.extended(answer, found, signature, public_key, copy)
        _print(answer, output)

    return verify


def _reproduce(platform: str) -> Callable[..., None]:
    def reproduce(
        model: Name,
        run: Annotated[
            bool,
            typer.Option("--run", help="Do it, in a clean clone; compare metrics."),
        ] = False,
        tolerance: Annotated[
            float, typer.Option(min=0, help="Largest difference that is the same.")
        ] = 0.005,
        source: Annotated[
            str | None,
            typer.Option(metavar="REPOSITORY", help="The repository to clone."),
        ] = None,
        work: Annotated[str | None, typer.Option(metavar="DIR")] = None,
        store: StoreUri = None,
        pipeline: PipelineName = None,
        output: Output = "table",
        config: Files = None,
        set_: Sets = None,
    ) -> None:
        """What it takes to make a model again; --run does it."""
        from pipeline.lineage import reproduce as questions

        asked = _Asked(platform, store, pipeline, config, set_)
        answer = questions.reproduce(asked.store, asked.pipeline, model)
        if run:
            for note in answer.notes:
                typer.echo(f"note: {note}", err=True)
            answer = questions.carry_out(
                answer.value,
                source or str(config_lib.ROOT),
                work or tempfile.mkdtemp(prefix="millrace-"),
                tolerance,
            )
        _print(answer, output)

    return reproduce


def _orphans(platform: str) -> Callable[..., None]:
    def orphans(
        fix: Annotated[
            bool, typer.Option("--fix", help="Fix it, after showing the plan.")
        ] = False,
        yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
        store: StoreUri = None,
        pipeline: PipelineName = None,
        output: Output = "table",
        config: Files = None,
        set_: Sets = None,
    ) -> None:
        """Executions without a process, artifacts without files, and the other way."""
        asked = _Asked(platform, store, pipeline, config, set_)
        found, plan = asked.orphans()
        _print(found, output)
        if fix:
            _fix(asked, plan, yes)

    return orphans


def _fix(asked: _Asked, plan: Any, yes: bool) -> None:
    from pipeline.lineage import orphans as questions
    from pipeline.lineage.render import table
    from pipeline.runs import folder as runs

    if asked.local_root is None:
        raise errors.UsageError(
            "--fix repairs the configuration's own store, and what ran in its output "
            "root. Name it by --config or --set metadata.store=..., not by --store"
        )
    if not plan:
        typer.echo("there is nothing to fix", err=True)
        return
    lines = [
        *(f"mark execution {id_} FAILED" for id_ in plan.executions),
        *(f"end the record of override {id_}" for id_ in plan.overrides),
        *(f"end the record of push {id_} as the registry says" for id_ in plan.pushes),
        *(f"mark artifact {id_} DELETED" for id_ in plan.artifacts),
        *(f"remove {folder}" for folder in plan.folders),
    ]
    typer.echo("plan:\n  " + "\n  ".join(map(table.plain, lines)), err=True)
    asking.require("Fix it?", yes)
    with runs.locked(asked.local_root):
        if asked.orphans()[1] != plan:
            raise errors.BusyError(
                "meanwhile something changed: look at the plan again. Nothing was fixed"
            )
        # First what is served: what then is still open failed.
        for line in _settled(asked) if plan.overrides or plan.pushes else ():
            typer.echo(line, err=True)
        questions.fix(asked.config.store, plan)
    typer.echo("fixed", err=True)


def _settled(asked: _Asked) -> list[str]:
    from pipeline.local import override, settlement

    config = asked.config.model_copy(update={"pipeline_name": asked.pipeline})
    return [*override.settle(config), *settlement.settle(config)]


def _export(platform: str) -> Callable[..., None]:
    def export(
        model: Name,
        form: Annotated[
            str,
            typer.Option(
                "--format", help="openlineage, prov, card, card-json (model card), bom."
            ),
        ],
        output: ToFile = None,
        store: StoreUri = None,
        pipeline: PipelineName = None,
        config: Files = None,
        set_: Sets = None,
    ) -> None:
        """A model's record in a standard that others read."""
        from pipeline import exports
        from pipeline.exports import subject

        exports.require(form)
        asked = _Asked(platform, store, pipeline, config, set_)
        found = subject.of(asked.store, asked.pipeline, model)
        _put(exports.text(found, form), output, found.notes)

    return export


def _sign(platform: str) -> Callable[..., None]:
    def sign(
        model: Name,
        key: Annotated[
            str,
            typer.Option(
                metavar="REFERENCE",
                help="Reference to an ed25519 private key (PEM): env:NAME, file:PATH, sm://...",
            ),
        ],
        output: ToFile = None,
        store: StoreUri = None,
        pipeline: PipelineName = None,
        config: Files = None,
        set_: Sets = None,
    ) -> None:
        """A signed statement of what a pushed model is and was made of."""
        from pipeline.exports import signing, subject

        asked = _Asked(platform, store, pipeline, config, set_)
        found = subject.of(asked.store, asked.pipeline, model)
        _put(signing.signed(found, key), output, found.notes)

    return sign


class _Asked:
    """The store and the pipeline that the options name."""

    def __init__(
        self,
        platform: str,
        uri: str | None,
        pipeline: str | None,
        config: list[str] | None,
        sets: list[str] | None,
    ) -> None:
        from pipeline.lineage import names

        self.config = config_lib.load(config or (), sets or (), platform).config
        remote = uri == "vertex" or (uri is None and platform == "vertex")
        self.local_root = None if remote or uri else self.config.output_root
        self.store: Any = (
            _on_vertex(self.config, pipeline) if remote else _of(uri, self.config)
        )
        self.pipeline = names.pipeline(self.store, pipeline, self.config.pipeline_name)

    def orphans(self) -> tuple[Any, Any]:
        """What store and disk do not agree about, and the plan."""
        from pipeline.lineage import orphans
        from pipeline.metadata import ownership

        local = self.local_root is not None
        return orphans.orphans(
            self.store,
            self.pipeline,
            self.config.artifacts_path if local else None,
            self.config.serving_path if local else None,
            ownership.Owner(self.store, self.config) if local else None,
        )


def _of(uri: str | None, config: config_lib.Config) -> Any:
    from pipeline.metadata import connections, sql

    return sql.SqlStore(connections.opened(uri or config.store))


def _on_vertex(config: config_lib.Config, pipeline: str | None) -> Any:
    from pipeline.gcp import metadata

    if config.vertex is None:
        raise errors.ConfigError("vertex: project and region are required here")
    return metadata.loaded(
        config.vertex.project, config.vertex.region, pipeline or config.pipeline_name
    )


def _put(text: str, file: str | None, notes: tuple[str, ...]) -> None:
    for note in notes:
        typer.echo(f"note: {note}", err=True)
    if file is None:
        typer.echo(text, nl=False)
        return
    try:
        pathlib.Path(file).write_text(text, encoding="utf-8")
    except OSError as error:
        raise errors.UsageError(
            f"--output {file} cannot be written: {error.strerror}"
        ) from None
    typer.echo(f"wrote {file}", err=True)


def _print(answer: Any, form: str) -> None:
    from pipeline.lineage import render

    typer.echo(render.text(answer, form))
    if not answer.good:
        raise typer.Exit(1)


def _moment(text: str | None, option: str) -> float | None:
    """Seconds since 1970; a date alone is its end for --at, its begin for --since."""
    if text is None:
        return None
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise errors.UsageError(
            f"{option} {text}: expected 2026-11-25 or 2026-11-25T14:00:00Z"
        ) from None
    if len(text) == len("2026-11-25") and option == "--at":
        moment += datetime.timedelta(days=1, microseconds=-1)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    return moment.timestamp()


_QUESTIONS = {
    "trace": _trace,
    "impact": _impact,
    "diff": _diff,
    "runs": _runs,
    "show": _show,
    "why": _why,
    "champion": _champion,
    "timeline": _timeline,
    "verify": _verify,
    "reproduce": _reproduce,
    "orphans": _orphans,
    "export": _export,
    "sign": _sign,
}
