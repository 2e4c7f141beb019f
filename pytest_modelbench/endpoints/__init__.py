"""Models that answer over HTTP: what they are asked, and what their answers say."""
