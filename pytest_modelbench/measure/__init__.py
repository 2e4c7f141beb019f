"""Clocks, meters, stop rules and statistics. Knows nothing of suites or pytest."""
