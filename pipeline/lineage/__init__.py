"""An auditor's questions, answered from the metadata store alone.

records    what a store holds, as plain values
"""
