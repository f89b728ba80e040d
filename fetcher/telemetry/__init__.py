"""What a role reports while it runs: log lines, and numbers on an HTTP port."""
