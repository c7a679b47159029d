"""The compiled job, executed on this machine as Vertex would: container by container.

Each task runs with exactly the command and arguments of the job, as a process of its
own, with folders in place of buckets. What Vertex does around the tasks is done here.

account      what a terminal shows
conditions   whether a task is triggered
containers   the processes, and how many fit at once
outputs      where artifacts go, and what tasks say of them
redirection  what would write elsewhere, and stays here
rehearse     compiles, executes, reports
run          which task runs when, and the exit handler
service      what a task may ask Vertex AI: its own job
spec         what the compiled job says of its tasks
store        earlier rehearsals' artifacts, for the resolvers
task         what became of one, and its attempts
"""
