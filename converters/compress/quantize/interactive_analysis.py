"""What takes a person's patience: who is to blame, and the schemes that hold a budget."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from converters.compress.quantize.interactive_data import described
from converters.compress.quantize.interactive_request import Asked
from converters.compress.quantize.interactive_state import loaded
from converters.compress.quantize.quantizing import Quantized, quantize
from converters.compress.quantize.step import request_from
from converters.compress.quantize.switching import layer_costs
from converters.errors import UsageError
from converters.progress import Progress


def blamed(asked: Asked, cache: Path | None, progress: Progress) -> dict[str, Any]:
    """Return what `calibration_blame` tells."""
    request = replace(request_from(dict(asked.options)), blame=True, budget=0.0, cache=cache)
    done = quantize(loaded(asked, progress), asked.settings, request, progress)
    return {"blame": done.data["blame"], **_found(done)}


def searched(asked: Asked, budget: float, cache: Path | None, progress: Progress) -> dict[str, Any]:
    """Return what `calibration_budget` tells.

    Raises:
        UsageError: a budget of nothing.
    """
    if not budget > 0:
        raise UsageError(f"A budget of {budget:g} cannot be held.", "", "Give a number above 0, such as 0.02.")
    request = replace(request_from(dict(asked.options)), blame=False, budget=budget, cache=cache)
    done = quantize(loaded(asked, progress), asked.settings, request, progress)
    mixed = done.data["mixed"]
    followed = {"budget": 0.0, "layers": mixed["rules"], "families_defaults": False}
    return {"mixed": mixed, "options": followed, **_found(done)}


def _found(done: Quantized) -> dict[str, Any]:
    costs = layer_costs(done.model.proto)
    return {"loss": done.data["loss"], "notes": list(done.notes), **described(done.model, done.data["layers"], costs)}
