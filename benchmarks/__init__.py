"""Whole commands, timed beside a peer and a floor on one machine; see `python -m benchmarks --help`."""
