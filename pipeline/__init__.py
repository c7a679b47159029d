"""The pipeline: one definition, two runners; from the top floor to the ground.

commands/       the sub-commands of both command lines, a file for each noun
local/          a run on this machine
vertex/         the pipeline on Vertex AI: job, rehearsal, runs, templates, schedules
pipeline        create_pipeline(config): the graph, top to bottom
exports/        one model's record in the standards that others read
components/     our own TFX components, one a file
reports/        a run on one page, runs side by side
lineage/        where a model came from, asked of the metadata store
beam_arguments  what Beam is told
platforms/      which implementation a configuration means
serving/        a pushed model asked for answers
analysis/       TensorFlow Transform's full pass over the data, without Beam
evaluation/     is the model good: metrics, intervals, verdict
notifications/  facts of a run -> a message -> channels
gcp/            every client of Google's services
registry/       versions of the model, who is champion, every move
metadata/       ML Metadata: records, connections, tables
runs/           what a run leaves: folder, ending, outcome, rows
data/           rows: found, read, checked, split, written, described
code/           which code this is, and which of it each node executes
config/         typed, frozen configuration: a file a section of the YAML
nodes           the nodes of the graph: names, order, what each executes
recorded        the names of all that MLMD keeps of a run
errors          the error tree
content         sizes and digests of files
files           text and JSON, written all at once
secrets         references to secrets -> secrets
quiet           imports without the libraries' greetings
interrupts      Ctrl-C ends a run for certain
runners/        where jobs of an older version find their task
"""
