"""Which exact changes of the graph the recipe has: the step `simplify`, and the step `rewrite` with its ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from converters.parameters import Value
from studio.document import Document
from studio.ui.texts import tr


def advised_rewrites(inspection: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the ids of the rewrites that the doctor advises, each once, in the order of the findings."""
    return tuple(dict.fromkeys(finding["rewrite"] for finding in inspection["findings"] if finding["rewrite"]))


def applied_rewrites(document: Document) -> tuple[str, ...]:
    """Return the ids in the recipe's step `rewrite`; an empty option means all that are advised."""
    options = document.step_options("rewrite")
    if options is None or document.inspection is None:
        return ()
    named = tuple(word.strip() for word in str(options.get("only", "")).split(",") if word.strip())
    return named or advised_rewrites(document.inspection)


def apply_rewrites(document: Document, wanted: Sequence[str]) -> None:
    """Add rewrites to the recipe; one step of undo."""
    all_of_them = list(dict.fromkeys([*applied_rewrites(document), *wanted]))
    text = tr("Apply {names}", names=", ".join(wanted))
    document.set_step("rewrite", _with_only(document, all_of_them), text)


def remove_rewrite(document: Document, identifier: str) -> None:
    """Take a rewrite out of the recipe, and the step with the last one; one step of undo."""
    left = [name for name in applied_rewrites(document) if name != identifier]
    options = _with_only(document, left) if left else None
    document.set_step("rewrite", options, tr("Remove {names}", names=identifier))


def is_simplified(document: Document) -> bool:
    """Return whether the recipe has the step `simplify`."""
    return document.step_options("simplify") is not None


def set_simplified(document: Document, on: bool) -> None:
    """Add or remove the step `simplify`; one step of undo."""
    if on != is_simplified(document):
        text = tr("Simplify the graph") if on else tr("Do not simplify the graph")
        document.set_step("simplify", {} if on else None, text)


def _with_only(document: Document, names: Sequence[str]) -> dict[str, Value]:
    return {**(document.step_options("rewrite") or {}), "only": ",".join(names)}
