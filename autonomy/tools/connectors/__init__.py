"""One module for each kind of system of record: SQL databases, HTTP interfaces, Python entry points."""
