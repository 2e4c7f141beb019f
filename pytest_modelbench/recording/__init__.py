"""From results as they arrive to the one run of a session, written by its controller."""
