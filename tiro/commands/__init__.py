"""What `tiro` can be told to do, a file per noun. tiro/cli.py is the parser that they hang on.

Only the standard library is imported at their tops: the rest takes half a second, which `tiro --help` need not cost.
"""
