"""The Python programs that fetcher is compared with, one module and one process each.

`python -m tools.bench.peers.NAME URLFILE RESULT_FILE --pool N [--ca FILE]` fetches the list, reads
each body, keeps nothing, and writes into RESULT_FILE how many answers were whole and 200. Names
under `.test` are all the local server's: a peer need not look them up.
"""
