"""Roundup 2.6 as the company's tickets: made anew where it is used, run on loopback."""
