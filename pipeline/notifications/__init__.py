"""Facts of a run -> a message -> channels.

message   RunSummary -> text, no I/O
channels  where a message goes: the log, and a file in the run's folder
"""
