"""Whether a module could be imported, without importing anything."""

from __future__ import annotations

from importlib.machinery import PathFinder
from importlib.util import find_spec


def is_importable(module: str) -> bool:
    """Whether `module` is there. `find_spec` alone would import the packages that it is in.

    >>> is_importable("xml.dom.minidom"), is_importable("xml.dom.maxidom")
    (True, False)
    """
    name, *rest = module.split(".")
    try:
        spec = find_spec(name)
        for part in rest:
            if spec is None or spec.submodule_search_locations is None:
                return False
            name = f"{name}.{part}"
            spec = PathFinder.find_spec(name, list(spec.submodule_search_locations))
    except (ImportError, ValueError, KeyError, AttributeError):
        # A namespace within another is looked up in its parent, which is not imported: who can
        # tell? And `ValueError` is said of a module that was put together by hand.
        return True
    return spec is not None
