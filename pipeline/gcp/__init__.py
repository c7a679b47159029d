"""Every client of Google's services; no other package imports google.cloud.

attribution      how Vertex AI explains an answer
bucket           artifacts of a bucket, copied as far as they are read
clients          clients of Google's services, and what they say in words
endpoints/       which version answers on an endpoint, and how much of it
experiments/     runs side by side in Vertex Experiments: parameters, metrics, curves
images           a container image and its registry
job_history      the jobs there were
job_message      a job as plain JSON <-> its message
job_status       what Vertex AI knows of a run
jobs             pipeline jobs: started once, found, cancelled, deleted
location         the project and region of a configuration
metadata         Vertex ML Metadata, the same records
metadata_store   the default store of Vertex ML Metadata
prediction       a batch prediction job of Vertex AI
regions          where a bucket's bytes are
registry         Vertex AI's Model Registry
registry_models  its records, there and back
registry_moves   its moves, in Vertex ML Metadata
rest             small questions to Google's REST services
schedules        Vertex AI's schedules: the messages and the calls
secret_manager   secrets of Google's Secret Manager
template_files   a template's bytes, up and down
templates        versions and tags in Artifact Registry
"""
