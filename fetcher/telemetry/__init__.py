"""What a role tells of itself while it runs: log lines, and numbers on a port."""
