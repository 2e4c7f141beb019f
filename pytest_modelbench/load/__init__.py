"""Requests as a suite wants them: so many at once, or so many a second, and what came of that."""
