"""The sink: collects rows and makes them durable."""
