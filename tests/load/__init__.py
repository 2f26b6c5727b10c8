"""Many callers at once against the sandbox, and whether each gets the transcript: see `python -m tests.load --help`."""
