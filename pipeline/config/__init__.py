"""The configuration: a file a section of the YAML.

beam           its section on Beam: who does the work
cache          its section on what is looked at before a result is reused
config         Config: typed, frozen, from layers of YAML and --set
data           its sections on data and validation
evaluation     its section on evaluation: metrics and bounds
google_names   names of Google's resources, by their documented forms
layers         its layers: YAML, --set, where a value is from
machines       what one machine of Vertex may have
metadata       its section on the store of runs: a server's address
model_card     its section that goes onto the model card
notifications  who is told what: the configuration's section
problems       its wrong values, in words that say what to do
vertex         its section on Vertex AI
"""
