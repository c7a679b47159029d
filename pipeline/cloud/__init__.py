"""What talks to Google Cloud from the command line.

templates      the compiled pipelines in Artifact Registry: versions and tags
template_files their bytes, up and down
publishing     this commit's pipeline into the registry, under its tags
"""
