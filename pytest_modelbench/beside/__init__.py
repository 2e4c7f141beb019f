"""Other plugins in the same session."""
