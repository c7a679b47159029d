"""The compiled pipeline as a template that others run.

publishing  this commit's pipeline, under its tags
run         a template -> the request that runs it
"""
