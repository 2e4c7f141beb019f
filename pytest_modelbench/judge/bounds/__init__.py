"""Bounds held against intervals, and the intervals of values."""
