"""Benchmarks: `python -m bench NAME --json`. Figures are ratios to something run beside them."""
