"""What `docs/generate.py` writes: one file for each kind of reference, all read from the code."""


class UnexplainedError(Exception):
    """Something that users can write or read and that nothing explains; the text says where to."""
