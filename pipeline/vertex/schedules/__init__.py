"""Runs on Vertex AI at set times.

backfill    days without a job get one, once
cron        when a schedule fires, in words and as times
definition  what a schedule should be: the file, or options
messages    a definition -> its message; what differs
plans       what must happen to bring them to the file
previews    what it will do, and what to be warned of
service     asked for, made, changed, paused, deleted
views       as a person or a program reads them
zones       names of time zones, and what was meant by another
"""
