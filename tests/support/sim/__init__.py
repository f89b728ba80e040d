"""A seeded simulator of a job: it runs the decisions of fetcher.core, and simulates all else.

The program's own: the ledger, the sessions of ventilator and sinks, the intake, the line rules and
the messages. Simulated: workers, time, disk, network, processes and their deaths. Politeness and
fetching are not in it. The same seed always gives the same run.
"""
