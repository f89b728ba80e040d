"""What people see: the job while it runs, and what can be read from its files."""
