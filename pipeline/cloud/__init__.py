"""What talks to Vertex AI from the command line."""
