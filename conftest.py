"""For this repository's own tests: `pytester`, to run real pytest sessions inside tests."""

pytest_plugins = ["pytester"]
