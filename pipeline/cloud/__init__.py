"""What the command line asks of Vertex AI; each module is one noun of it.

request         a compiled job -> the message that starts it
submission      what is submitted: compiled now, or a file of `compile`
jobs            pipeline jobs: started once, found, cancelled, deleted
following       a job, looked at until it ends
ending          how it ended, in the one word that a local run would have
progress        what a terminal shows of it
spending        seconds, machine-hours and money of a job; spending_view shows them
run_source      jobs as the source of a run's page
bucket          artifacts of a bucket, copied here to be read
listing         runs as rows
log_queries     where a run's logs are
checks          what must be true before a job is submitted
rest            small questions to Google's REST services
images          a container image, and whether its registry has it
regions         which regions a bucket's bytes are in
templates       the compiled pipelines in Artifact Registry: versions and tags
template_files  their bytes, up and down
template_run    a version of them -> the request that runs it
publishing      this commit's pipeline into the registry, under its tags
schedules       runs at set times: a package of its own
"""
