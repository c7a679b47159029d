"""The id of a run."""

from __future__ import annotations


def of_vertex(uri: str) -> str:
    """The job's id, from where Vertex lets a task write.

    {gcsOutputDirectory}/{project_number}/{job}/{task}_{uuid}/{output}: TFX 1.21,
    kubeflow_v2_run_executor.py, says so; it gives executors no run id there.
    """
    return uri.rstrip("/").split("/")[-3]
