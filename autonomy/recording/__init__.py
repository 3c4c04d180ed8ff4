"""Watching an existing system in use, changing nothing, so that rules can begin with what is really done."""
