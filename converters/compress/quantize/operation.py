"""What a worker does for the command `quantize`: load, take the recipe's step, say what came of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from converters.compress.quantize.report import as_text
from converters.progress import Progress
from converters.recipe import Recipe, StepRequest
from converters.registry import step


def quantize_source(arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Quantize a model.

    Args:
        arguments: "recipe": plain data with one step, quantize; "trust".
        progress: told about stages.

    Returns:
        "quantization": plain data; "text": the same for a terminal; "recipe": plain data, with the schemes that a
        budget led to as rules for all layers, so that whoever follows it need not search again.

    Raises:
        StudioError: as loading and the step do.
    """
    from converters.model.source import load

    recipe = Recipe.from_json(arguments["recipe"])
    model = load(
        recipe.source,
        shapes=recipe.shapes,
        trust=bool(arguments["trust"]),
        sha256=recipe.source_sha256,
        progress=progress,
    )
    (request,) = recipe.steps
    result = step(request.step).run(model, request.options, progress)
    data = dict(result.data)
    kept = {**request.options, **_settled(data)}
    kept.pop("blame", None)
    followed = replace(recipe, source_sha256=model.source.sha256, steps=(StepRequest(request.step, kept),))
    return {"quantization": data, "text": as_text(data), "recipe": followed.to_json()}


def _settled(data: dict[str, Any]) -> dict[str, Any]:
    """Return the options that a search for schemes ended in; {} where there was none."""
    if not data["mixed"]:
        return {}
    return {"budget": 0.0, "layers": data["mixed"]["rules"], "families_defaults": False}
