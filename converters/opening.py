"""What a person asks about a source before anything is converted, as operations of a worker."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from converters.errors import SizesNeededError, StudioError
from converters.fingerprints import sha256_of
from converters.memory import require_memory
from converters.progress import Progress
from converters.recipe import QUANTIZING_STEPS, Recipe
from converters.registry import step
from converters.stages import fp16_risk_of, load_source, memory_estimate


def open_source(arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Load a model and say what it is, or which sizes it needs to be told.

    Args:
        arguments: "source", "shapes", "trust", "sha256", as `load_source` takes them.
        progress: told about stages.

    Returns:
        "inspection": plain data, with "rewrites": title, sentence and tolerance, by id, of those the doctor advises;
        None when sizes are needed. "axes": {} or by input what the file says of its axes; "question": "" or the
        sentence that goes with them.

    Raises:
        TrustNeededError: it would run code, and "trust" is false.
        StudioError: as loading does.
    """
    from converters.model.inspection import inspect
    from converters.model.rewrites.registry import REWRITES

    try:
        model = load_source(arguments, progress)
    except SizesNeededError as error:
        axes = {name: None if sizes is None else list(sizes) for name, sizes in error.axes.items()}
        return {"inspection": None, "axes": axes, "question": f"{error.what} {error.why}".strip()}
    progress("Examining the model", 0.9)
    inspection = inspect(model)
    advised = dict.fromkeys(finding.rewrite for finding in inspection.findings if finding.rewrite)
    rewrites = {
        name: {"title": found.title, "sentence": found.sentence, "tolerance": found.tolerance}
        for name, found in REWRITES.items()
        if name in advised
    }
    return {"inspection": {**inspection.to_json(), "rewrites": rewrites}, "axes": {}, "question": ""}


def scan_source_fp16(arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Look for values that fp16 cannot hold, in a source as its recipe's float steps leave it.

    Args:
        arguments: "source", "shapes", "trust", "sha256", as `load_source` takes them; "steps": plain data of step
            requests, those that quantize left out here; "images": a folder, or "" for the built-in crops.
        progress: told about stages and after every group of tensors.

    Returns:
        As `converters.stages.scan_fp16` does.

    Raises:
        UnsupportedError: there is not enough memory.
        StudioError: as loading and the steps do.
    """
    recipe = Recipe.from_json({"version": 1, "steps": arguments["steps"]})
    model = load_source(arguments, progress)
    require_memory(memory_estimate(model, "onnx"), f"Scanning {model.source.name} for fp16")
    for request in recipe.steps:
        if request.step not in QUANTIZING_STEPS:
            result = step(request.step).run(model, request.options, progress)
            model = replace(result.model, notes=(*result.model.notes, *result.notes))
    return fp16_risk_of(model, arguments["images"], progress)


def fingerprints(arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Compute the SHA-256 of files and folders.

    Args:
        arguments: "paths".
        progress: told about each.

    Returns:
        "sha256": by path; "" for what cannot be read.
    """
    found: dict[str, str] = {}
    paths: list[str] = arguments["paths"]
    for place, path in enumerate(paths):
        progress("Comparing files", place / len(paths), Path(path).name)
        try:
            found[path] = sha256_of(Path(path))
        except StudioError:
            found[path] = ""
    return {"sha256": found}
