"""ML Metadata: records, connections and tables; no other package knows its tables.

connections        opens a store, or says why it cannot be read
library            the same by ml_metadata's library, to be written
memory             records in memory, for those of Vertex ML Metadata
ownership          what this output root made, in a shared store
payload            is what an artifact stands for still there?
process            which process a run is; does it live?
recent_executions  what a node's start reads, however old the store
records            what a store holds, as plain values
run_record         what a run adds to MLMD, and asks of it
sql                MLMD in SQLite, MySQL or PostgreSQL
"""
