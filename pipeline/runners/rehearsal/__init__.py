"""The compiled job, executed on this machine as Vertex would: container by container.

Each task runs with exactly the command and arguments of the job, as a process of its
own, with folders in place of buckets. What Vertex does around the tasks is done here.

rehearse    the command: compiles, executes, reports
stand_ins   what of the configuration would write elsewhere, and stays here
run         which task runs when; the exit handler, whatever happened
spec        what the job says of each task
task        what became of one, and how its container is started, again if it fails
containers  the processes, and how many fit at once
outputs     where a task's artifacts go, and what it says of them
conditions  whether a task is triggered
store       the artifacts of earlier rehearsals, which answer the resolvers
service     the one thing that a task may ask Vertex AI
account     what a terminal shows
"""
