"""The compiled job, executed on this machine as Vertex would: container by container.

Each task runs with exactly the command and arguments of the job, as a process of its
own, with folders in place of buckets. It finds the files, packages and variables that
the image has, and no others. What Vertex does around the tasks is done here.

account      what a terminal shows
at_start     what each process of a container imports first
beam_files   Beam's file system for the addresses of those folders
conditions   whether a task is triggered
confinement  a process that sees only the paths that it is given
containers   the processes, and how many fit at once
image        the files of the image, laid out as the Dockerfile says
outputs      where artifacts go, and what tasks say of them
redirection  what would write elsewhere, and stays here
rehearse     compiles, executes, reports
run          which task runs when, and the exit handler
service      what a task may ask Vertex AI: its own job
spec         what the compiled job says of its tasks
store        earlier rehearsals' artifacts, for the resolvers
task         what became of one, and its attempts
"""
