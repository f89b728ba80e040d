"""The benchmarks: `python -m tools.bench --help` lists them."""
