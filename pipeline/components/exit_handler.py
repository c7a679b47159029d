"""The exit handler of Vertex AI Pipelines: tells people, whatever ended the run.

TFX reads the function's annotations as they are, so this module must not postpone them
(no `from __future__ import annotations`).
"""

import dataclasses
import logging
import time

from tfx.dsl.component.experimental.annotations import Parameter
from tfx.orchestration.kubeflow.decorators import exit_handler

from pipeline import files
from pipeline.config.notifications import NotificationsConfig
from pipeline.gcp import job_status
from pipeline.gcp.experiments import log
from pipeline.notifications import failure, history, notify


@exit_handler
def ExitHandler(  # noqa: N802 (a component's name)
    final_status: Parameter[str],
    pipeline_name: Parameter[str],
    runs_folder: Parameter[str],
    notifications: Parameter[str],
    code: Parameter[str],
    record: Parameter[str],
    experiment: Parameter[str],
) -> None:
    """Tells what the Notifier could not: it runs only if all before it went well.

    `record` is the run's record (`pipeline/recorded.py`); as a parameter of a task it
    stays in Vertex ML Metadata however the run ended.
    """
    del record
    config = NotificationsConfig.model_validate_json(notifications)
    facts = job_status.facts_of(final_status, pipeline_name)
    runs = files.folder(runs_folder)
    if facts.succeeded and history.of_run(runs, facts.run_id):
        return  # the Notifier knew more, and told it
    facts = dataclasses.replace(facts, code=code, ended=time.time())
    left = None if facts.succeeded else failure.found(runs, facts.run_id)
    # Of another task: it was started again, and then went well.
    if left and facts.node in (None, left.node):
        facts = dataclasses.replace(facts, **vars(left))
    for delivery in notify.notify(facts, config, runs):
        logging.info("notification: %s", delivery)
    if not facts.succeeded:
        log.stopped(experiment, facts.run_id, facts.outcome)
