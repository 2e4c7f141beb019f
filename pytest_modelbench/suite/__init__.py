"""The suite document: what to measure, written as JSON."""
