"""Facts of a run -> words -> the people who want to know.

settings    who is told what: the configuration's section
facts       what a message is made of
policy      who wants to hear of this run, now?
message     the words, as text and HTML
completion  the machine-readable event (CloudEvents)
secrets     references to secrets -> secrets
channels    one message to one channel
delivery    to all channels at once, with patience
outbox      what could not be sent
history     what people were told of each run
files       a run's folder, here or in a bucket
tell        all of this, in order
"""
