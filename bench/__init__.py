"""Benchmarks: `python -m bench door|mcp|policy|audit --json`. Figures are ratios to something run beside them."""
