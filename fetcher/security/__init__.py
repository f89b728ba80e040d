"""Who may take part in a job on separate hosts: CURVE keys and the check of peers."""
