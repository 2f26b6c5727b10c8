"""Tiro: recorded speech in, text out. The domain, in the order a recording meets it."""

__version__ = "0.1.0"
