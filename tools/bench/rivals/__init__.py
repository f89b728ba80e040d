"""The programs that fetcher is measured against, one module and one process each.

`python -m tools.bench.rivals.NAME URLFILE TOLD --pool N [--ca FILE]` fetches the list, reads each
body, keeps nothing, and writes into TOLD how many answers were whole and 200. Names under `.test`
are all the local server's: a rival need not look them up.
"""
