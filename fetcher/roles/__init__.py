"""The loops of ventilator, worker and sink, and the start of their processes."""
