"""A small HTTP server for metrics, health and the live page; slow clients cannot hold it up."""
