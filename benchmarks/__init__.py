"""Benchmarks: what the program costs beyond the work itself. `python -m benchmarks [prefix]`."""
