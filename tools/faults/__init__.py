"""A whole cluster on one machine, each role at its own address, under faults.

See `python -m tools.faults -h`.
"""
