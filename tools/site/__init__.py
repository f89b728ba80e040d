"""A local web site to fetch from: for the demo, the tests and the benchmarks.

Standard library only, loopback by default, and every answer depends
on nothing but the request. Run it with `python -m tools.site`; from a test, use
`tools.site.running.RunningSite`.
"""
