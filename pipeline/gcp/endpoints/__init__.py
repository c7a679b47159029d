"""Which version of the model answers on a Vertex AI endpoint, and how much of it.

journal  who changed it and why
moves    a change from the wish to the record
service  the endpoint as the service has it
traffic  what a change does to the traffic
"""
