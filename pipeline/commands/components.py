"""components: one node of ours for other people's pipelines."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline import errors, quiet
from pipeline.commands.options import Files, Sets
from pipeline.config import config as config_lib


def components_app() -> typer.Typer:
    """`components export`."""
    app = typer.Typer(help="Nodes of this pipeline as KFP components.")

    @app.callback()
    def _group() -> None:
        """Keeps `export` a word of its own."""

    @app.command("export")
    def export(
        name: Annotated[str, typer.Argument(help="A node, such as notifier.")],
        output: Annotated[
            Path | None, typer.Option(help="FILE.yaml; default: printed.")
        ] = None,
        config: Files = None,
        set_: Sets = None,
    ) -> None:
        """Write the component; kfp.components.load_component_from_file reads it."""
        loaded = config_lib.load(config or (), set_ or (), platform="vertex")
        with quiet.imports():
            from pipeline.vertex.job import compile as vertex
            from pipeline.vertex.job import component_export

        text = component_export.component(vertex.compile_job(loaded.config), name)
        if output is None:
            typer.echo(text, nl=False)
            return
        try:
            output.parent.mkdir(parents=True, exist_ok=True)
            output.write_text(text, encoding="utf-8")
        except OSError as error:
            raise errors.UsageError(f"--output {output}: {error.strerror}") from None

    return app
