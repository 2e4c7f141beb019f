"""Settings of this repository's own test session; tests share more in `tests/conftest.py`.

Nothing here may assume a test session of this repository: with an editable installation pytest
also reads this file when it collects the suites that ship inside the package.
"""

collect_ignore = ["benchmarks"]
