"""Other people's software, run beside ours in the same run."""
