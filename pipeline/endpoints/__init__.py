"""Which version of the model answers on a Vertex AI endpoint, and how much of it.

traffic.py   what a change does to the traffic: plain records and rules
service.py   the endpoint as the service has it
journal.py   who changed it and why
moves.py     a change from the wish to the record
"""
