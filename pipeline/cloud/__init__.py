"""What the command line asks of Vertex AI; each module is one noun of it.

request         a compiled job -> the request that starts it
templates       the compiled pipelines in Artifact Registry: versions and tags
template_files  their bytes, up and down
template_run    a version of them -> the request that runs it
publishing      this commit's pipeline into the registry, under its tags
"""
