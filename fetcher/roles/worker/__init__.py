"""The worker: fetches lines in one bounded pool and sends rows."""
