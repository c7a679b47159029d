"""What is submitted says who started it, and why."""

from __future__ import annotations

import json

from google.cloud import aiplatform_v1
from google.protobuf import json_format

from pipeline.vertex.runs import submission
from pipeline.vertex.schedules import messages
from pipeline.vertex.schedules.definition import of_options


def test_a_submitted_job_has_the_trigger_and_the_user(
    trips, compiled, tmp_path, monkeypatch
):
    monkeypatch.setenv("LOGNAME", "ada")
    file = tmp_path / "job.json"
    file.write_text(json.dumps(compiled.to_dict()), encoding="utf-8")

    made = submission.message(trips, file, (), False, "retrain drift")

    said = json.loads(made.runtime_config.parameter_values["origin"])
    assert (said["trigger"], said["user"]) == ("retrain drift", "ada")


def test_a_scheduled_job_has_the_schedule_s_name_and_no_user(trips, compiled):
    wanted = of_options({"name": "nightly", "cron": "0 5 * * *"})

    schedule = messages.message(trips, compiled, wanted)

    job = messages.template_of(schedule)
    spec = json_format.MessageToDict(aiplatform_v1.PipelineJob.pb(job).pipeline_spec)
    handler = spec["root"]["dag"]["tasks"]["ExitHandler"]["inputs"]["parameters"]
    said = json.loads(handler["origin"]["runtimeValue"]["constant"])
    assert said == {"trigger": "schedule nightly"}
    assert "origin" not in dict(job.runtime_config.parameter_values)
