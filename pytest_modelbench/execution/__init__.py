"""Where and how cases run."""
