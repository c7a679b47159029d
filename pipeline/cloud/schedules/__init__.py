"""Runs on Vertex AI at set times; each module is one noun of it.

definition  what a schedule should be: configs/schedules.yaml, or options
cron        when it fires, in words and as times
previews    what it will do, and what to be warned of
messages    a definition -> the message that makes it; what of a live one differs
service     asked for, made, changed, paused, resumed and deleted
plans       what must happen so that the project's schedules are the file's
backfill    the days that one left out
views       schedules and plans, for people and programs
"""
