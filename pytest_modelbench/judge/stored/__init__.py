"""A case held against the same case of an earlier run."""
