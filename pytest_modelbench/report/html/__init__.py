"""Runs as a page to look at: `html_of` makes it, as one file that needs nothing else."""

from pytest_modelbench.report.html.page import html_of

__all__ = ["html_of"]
