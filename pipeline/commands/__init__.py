"""Sub-commands, a file for each noun; the two command lines put them together.

They parse words, call one function below, and print what it returns.

asking            asks before something is changed
check             check: is everything there that a job needs?
components        one node for other people's pipelines
console           how both command lines end
endpoint          endpoint: canary, promote, roll back on Vertex AI
experiments       experiments: the runs side by side
gate              gate: a person's word against the verdict
jobs              submit, status, logs, cancel, list, delete
lineage           lineage: an auditor's questions
models            model: versions, champion, promote, roll back
notify            notify and watch, the same in both command lines
options           options that every sub-command has
predict           predict: files here, a table there
reports           report and compare
retention         gc: drop old payloads, keep their lineage
schedule_options  what those share
schedule_plans    schedule: plan, apply, backfill
schedules         schedule: create, list, show, pause, resume, update, delete
templates         publish and templates
vertex_gate       gate override, on Vertex
vertex_report     the page of a run on Vertex
"""
