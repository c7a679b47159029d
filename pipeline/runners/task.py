"""Starts a task of a job that was compiled before version 0.2: the module moved."""

from pipeline.vertex.job import task

raise SystemExit(task.main())
