"""Tiro beside its peers, on the same recordings and weights: `python -m tests.bench CORPUS`, or `make bench`."""
