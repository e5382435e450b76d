"""Which MIL operators the reference executor knows, and what carries them out."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from functools import cache

from converters.runtimes.mil.call import Call, Result

Implementation = Callable[[Call], Result]
_registered: dict[str, Implementation] = {}

# Operators with blocks: the executor itself carries them out.
CONTROL_FLOW = frozenset({"cond", "while_loop"})


def operator(*kinds: str) -> Callable[[Implementation], Implementation]:
    """Register a function as the implementation of the named MIL operators."""

    def register(function: Implementation) -> Implementation:
        for kind in kinds:
            if kind in _registered:
                raise ValueError(f"{kind} is implemented twice")
            _registered[kind] = function
        return function

    return register


@cache
def operators() -> dict[str, Implementation]:
    """Return every implementation by the operator's name."""
    package = importlib.import_module("converters.runtimes.mil.ops")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{package.__name__}.{module.name}")
    return dict(_registered)
