"""Shelves: packages in which each module adds one thing, found by walking, listed nowhere."""

import importlib
import pkgutil
from types import ModuleType
from typing import TypeVar

Thing = TypeVar("Thing")


def things(shelf: ModuleType, kind: type[Thing]) -> dict[str, Thing]:
    """Every object of ``kind`` that a module of the package ``shelf`` defines, by its name.

    The thing in ``datasets/requests.py`` is called ``requests``, both here and by the attribute
    that holds it, so that a file's name is all there is to know.
    """
    found = {}
    for name in sorted(module.name for module in pkgutil.iter_modules(shelf.__path__)):
        module = importlib.import_module(f"{shelf.__name__}.{name}")
        thing = getattr(module, name, None)
        if not isinstance(thing, kind):
            raise TypeError(f"{module.__name__} must define a {kind.__name__} called {name!r}")
        found[name] = thing
    return found
