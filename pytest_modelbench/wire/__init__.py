"""HTTP as it happens: requests, and when each piece of an answer came."""
