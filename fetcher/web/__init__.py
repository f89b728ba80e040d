"""The live page of a job: what a browser sees of a running ventilator, and what it may ask."""
