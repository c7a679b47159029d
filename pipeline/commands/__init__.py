"""Sub-commands, a file for each noun; the two command lines put them together.

They parse words, call one function below, and print what it returns.
"""
