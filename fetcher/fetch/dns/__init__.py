"""Host names become addresses."""
