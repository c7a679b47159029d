"""How the one pipeline definition is run.

local     run(): the life of a run on this machine, from lock to summary
launch    the compiled nodes, launched one by one
record    what we add to and ask of MLMD beyond TFX
unchanged did anything change since the last run?
progress  what the terminal shows while it runs, and at the end
logs      the noise of TFX, Beam and TensorFlow, kept in a file
vertex    the compiled job for Vertex AI Pipelines
"""
