"""Where a run's logs are: queries that gcloud takes as they stand."""

from __future__ import annotations

from typing import Any

from pipeline.vertex.runs import ending


def of_job(job: Any) -> list[str]:
    """Commands of gcloud, one a failed task; of the whole run when none failed."""
    _, project, _, _, _, run = job.name.split("/")
    failed = [
        _command(
            f'resource.type="ml_job" AND resource.labels.job_id="{number}"', project
        )
        for task in ending.failed_tasks(job)
        for number in _containers(task)
    ]
    whole = (
        'resource.type="aiplatform.googleapis.com/PipelineJob" AND '
        f'resource.labels.pipeline_job_id="{run}"'
    )
    return failed or [_command(whole, project)]


def _containers(task: Any) -> list[str]:
    """Ids of the custom jobs in which the task, or its driver, failed last."""
    detail = task.executor_detail.container_detail
    names = [detail.main_job or detail.pre_caching_check_job]
    return [name.rsplit("/", 1)[-1] for name in names if name]


def _command(query: str, project: str) -> str:
    return f"gcloud logging read '{query}' --project={project} --order=asc"
