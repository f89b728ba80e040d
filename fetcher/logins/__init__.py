"""The log-in of a job: one worker logs in, and all workers use its session."""
