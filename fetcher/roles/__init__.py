"""The loops of ventilator, worker and sink, and how their processes begin."""
