"""What became of a run, on one page that needs nothing else.

write         a run's page, made and put into its folder
source        where runs are on record: what a page needs of it
output_root   that of local runs: their folders, and MLMD; Vertex's is vertex/runs
collect       everything that the page shows, from a source and the artifacts it names
compare       several runs, side by side
nodes         nodes of a run and their artifacts, from MLMD
statistics    TFDV's statistics, as columns of splits
distributions  where a column's rows are, in all splits on one axis
distances     how far a column moved between two data sets, as TFDV measures it
anomalies     what SchemaValidator found
vocabularies  sizes, and the share of values that they do not know
training      how the loss fell
evaluations   the Evaluator's files as values with intervals and bounds
curves        ROC, precision and recall, calibration
cost          machine-hours times a price table
html          the page itself, of templates
charts        pictures as SVG
graph         nodes and artifacts as a picture
numbers       every number as it is written
templates/    the pages and their style
"""
