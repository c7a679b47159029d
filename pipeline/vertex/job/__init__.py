"""The compiled job: TFX's output, completed and corrected.

admission          what is refused before a job is compiled
compile            the compiled job
component_export   one node of the job as a KFP component
description        the job in a table
job                typed views of the job: tasks, containers, parameters
job_digest         a digest against changes by hand
machines           which machine a task may hold, how long
origin             who or what started a job on Vertex
parameters         values given when a job is submitted
patches            what TFX's compiler gets wrong, corrected in the job
placement          where and as whom the job runs
run_date           the day that a job works for, and its data
secret_references  secrets that a container can reach
task               one task of the job, as its container starts it
"""
