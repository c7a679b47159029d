"""Which implementation a configuration means: this machine's, or Google's.

last_success  the newest run that succeeded, here or on Vertex
registry      the registry that plain settings mean
settings      what a configuration means, as plain values
"""
