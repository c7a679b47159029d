"""Facts of a run -> a message -> the people who want to know.

channels    one message to one channel
completion  facts -> the machine-readable event
delivery    to all channels at once, with patience
failure     why a task failed, left for the exit handler
history     what people were told of each run
message     facts -> subject, text and HTML
notify      all of this, in order
outbox      what could not be sent
policy      who wants to hear of this run, now?
templates/  the message as text and as HTML
watch       the run that never came
"""
