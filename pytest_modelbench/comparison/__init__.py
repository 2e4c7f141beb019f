"""Sides measured against each other: where each runs, in which order, and for how long."""
