"""A seeded simulator of a job: the real decisions of fetcher.core, everything else pretended.

Time, disk, network, processes and their deaths are simulated; the ledger, the intake, the line
rules and the messages are the program's own. The same seed always gives the same run.
"""
