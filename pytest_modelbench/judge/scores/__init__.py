"""Scores, ranks and ties of the cases of a suite."""
