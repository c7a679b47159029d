"""Where jobs that an older version compiled find their task; gone in the next release.

task  the entry module of each task, which is pipeline/vertex/job/task.py now
"""
