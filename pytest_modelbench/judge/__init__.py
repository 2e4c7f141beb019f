"""What results mean: values of criteria, bounds, scores and ranks. Knows only results."""
