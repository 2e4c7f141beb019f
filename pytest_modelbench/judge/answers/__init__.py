"""Whether answers are those of the baseline."""
