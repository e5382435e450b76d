"""Which ONNX operators the importer knows, and the functions that build them."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from converters.torch_import.operation import Operation
    from converters.torch_import.values import Value

Builder = Callable[["Operation"], "Value | Sequence[Value | None]"]
# Reads one node's attributes before any work; returns why the node cannot be imported, or "".
Check = Callable[[dict[str, Any], int], str]

_BUILDERS: dict[str, Builder] = {}
_CHECKS: dict[str, Check] = {}
_loaded = False


def builds(*op_types: str, check: Check | None = None) -> Callable[[Builder], Builder]:
    """Register the decorated function as the builder of these operators of the default domain."""

    def register(builder: Builder) -> Builder:
        for op_type in op_types:
            if op_type in _BUILDERS:
                raise ValueError(f"two builders for {op_type}")
            _BUILDERS[op_type] = builder
            if check is not None:
                _CHECKS[op_type] = check
        return builder

    return register


def builders() -> dict[str, Builder]:
    """Return every builder by operator; the modules of `ops` are imported at the first call."""
    global _loaded  # noqa: PLW0603 - import once per process
    if not _loaded:
        from converters.torch_import import ops

        for module in pkgutil.iter_modules(ops.__path__):
            importlib.import_module(f"{ops.__name__}.{module.name}")
        _loaded = True
    return _BUILDERS


def objection(op_type: str, attributes: dict[str, Any], opset: int) -> str:
    """Return why a known operator with these attributes cannot be imported, or ""."""
    check = _CHECKS.get(op_type)
    return check(attributes, opset) if check else ""
