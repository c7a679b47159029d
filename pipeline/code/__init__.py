"""Which code this is, and which of it each node executes.

fingerprint  which code each node executes
parts        which function of a file changed since a run
packages     files inside packages, wherever those are installed
source       a file of Python as its statements say it
version      which version of the code this is
"""
