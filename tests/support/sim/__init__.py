"""A seeded simulator of a job: it runs the program's own decisions and simulates everything else.

The program's own: the ledger, the sessions of ventilator and sinks, the committer, the line rules
and the messages. Simulated: workers, time, disk, network, processes and their deaths. Politeness
and fetching are not included. The same seed always gives the same run.
"""
