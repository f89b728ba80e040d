"""The benchmarks: `python -m tools.bench {pipeline,memory,speed}`."""
