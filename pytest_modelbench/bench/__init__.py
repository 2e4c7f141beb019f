"""Benchmarks written in Python: the `modelbench` fixture and mark of ordinary tests."""
