"""The sink's decisions, without I/O: which rows are new, and when a job is complete."""
