"""An hour of mixed work through two workers, and what of it stays behind: see `python -m tests.soak --help`."""
