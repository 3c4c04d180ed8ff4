"""The Autonomy OS: one door for everything an AI agent does."""

__version__ = "0.1.0"
