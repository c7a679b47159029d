"""gate override on Vertex: a job that pushes what another one's verdict refused."""

from __future__ import annotations

import datetime

import typer

from pipeline.commands import asking, gate, jobs, options
from pipeline.commands.options import DryRequest, Files, Sets, Yes
from pipeline.gcp import jobs as jobs_lib
from pipeline.registry.versions import Override
from pipeline.vertex.runs import following


def override(
    run: gate.Refused,
    by: gate.By,
    reason: gate.Reason,
    dry_run: DryRequest = False,
    yes: Yes = False,
    wait: jobs.Wait = False,
    every: jobs.Every = following.EVERY_S,
    config: Files = None,
    set_: Sets = None,
) -> None:
    """Push the model that a run refused: its job again, all else from the cache."""
    said = Override(by=gate.words("--by", by), reason=gate.words("--reason", reason))
    loaded = options.on_vertex(config, set_)
    from pipeline.vertex.runs import override as overriding
    from pipeline.vertex.runs import submission

    found = overriding.refused(loaded, run)
    message = overriding.message(found, said)
    job_id = jobs_lib.new_id(loaded.pipeline_name, datetime.datetime.now(datetime.UTC))
    what = f"{found.run_id}, {found.word}"
    gate.show(what, found.reasons, found.destination, said)
    if dry_run:
        typer.echo(submission.shown(loaded, message, job_id))
        return
    asking.require("Push it although it was refused?", yes)
    jobs.start(loaded, message, job_id, wait, every)
