"""What is kept of sessions: a directory each, written while it runs and read ever after."""
