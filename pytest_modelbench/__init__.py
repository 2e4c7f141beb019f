"""pytest-modelbench: which model, on which device, how fast, how big, how good.

The public names are those of `public.py`; type checkers find them in `__init__.pyi`. They are
imported when they are first used: every test session imports this module, so it does nothing.
PYTEST_DONT_REWRITE
"""


def __getattr__(name: str) -> object:
    from pytest_modelbench.public import find

    return find(name)


def __dir__() -> list[str]:
    from pytest_modelbench.public import __all__

    return __all__
