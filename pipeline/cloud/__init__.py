"""What the command line asks of Vertex AI; each module is one noun of it.

request     a compiled job -> the request that starts it
"""
