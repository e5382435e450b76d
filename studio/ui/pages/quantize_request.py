"""What the Quantize page asks workers for and writes into the recipe, as plain data; nothing of Qt."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from converters.parameters import Value

if TYPE_CHECKING:
    from studio.document import Document

Data = dict[str, Any]

STEP = "quantize"
CALIBRATION_FOLDER = "calibration"
"""In the document's work folder: pictures that were collected for calibration."""
OF_THE_SET = ("calibration", "samples", "equalize")
"""Options that need the calibration set to be observed anew."""
BETWEEN_PLACES = "\n"
FLOAT = "float"
DEFAULT_SCHEME = "w8a8"


def asked(document: Document, options: Mapping[str, Value], folder: Path) -> Data:
    """Return the arguments that all operations of the interactive calibration take."""
    recipe = document.project.recipe
    before = []
    for request in recipe.steps:
        if request.step == STEP:
            break
        before.append({"step": request.step, "options": dict(request.options)})
    return {
        "source": recipe.source,
        "shapes": {name: list(shape) for name, shape in recipe.shapes.items()},
        "trust": document.is_trusted,
        "sha256": recipe.source_sha256,
        "steps": before,
        "options": dict(options),
        "folder": str(folder),
    }


def set_key(arguments: Mapping[str, Any]) -> str:
    """Return what stands for a model and its calibration set: equal keys need no other observation."""
    options = arguments["options"]
    wanted = [arguments[name] for name in ("source", "sha256", "shapes", "trust", "steps")]
    return json.dumps([*wanted, *(options.get(name) for name in OF_THE_SET)], sort_keys=True)


def places_of(options: Mapping[str, Value]) -> list[str]:
    """Return the places that the calibration set comes from; "" stands for the built-in crops."""
    return str(options.get("calibration", "")).split(BETWEEN_PLACES)


def with_place(places: Sequence[str], added: str) -> list[str]:
    """Return places with one more; the built-in crops give way when they are there only because nothing else is."""
    kept = [place for place in places if place != added]
    if kept == [""]:
        kept = []
    return [*kept, added]


def without_place(places: Sequence[str], removed: str) -> list[str]:
    """Return places without one; the built-in crops where nothing is left."""
    return [place for place in places if place != removed] or [""]


def joined(places: Iterable[str]) -> str:
    """Return places as the option `calibration` has them."""
    return BETWEEN_PLACES.join(places)


def with_range(options: Mapping[str, Value], tensor: str, ends: tuple[float, float] | None) -> dict[str, Value]:
    """Return options with the range of a tensor set by hand; None: left to the policy."""
    from converters.compress.quantize.settings import options_of, parse_ranges, settings_from

    ranges = parse_ranges(str(options.get("ranges", "")))
    ranges.pop(tensor, None)
    if ends is not None:
        ranges[tensor] = ends
    text = options_of(replace(settings_from({}), ranges=ranges))["ranges"]
    return {**options, "ranges": text}


def with_scheme(options: Mapping[str, Value], layer: str, scheme: str | None) -> dict[str, Value]:
    """Return options with the rule for one layer replaced; None: without a rule of its own."""
    from converters.compress.quantize.encodings import Scheme
    from converters.compress.quantize.settings import parse_layers, rules_text

    rules = parse_layers(str(options.get("layers", "")))
    rules.pop(layer, None)
    if scheme is not None:
        rules[layer] = Scheme(scheme)
    return {**options, "layers": rules_text(rules)}


def kept_float(options: Mapping[str, Value], layer: str, is_float: bool) -> dict[str, Value]:
    """Return options in which a layer stays float, or does not.

    A rule of the layer's own is taken away again; a layer that is float for another reason gets one.
    """
    from converters.compress.quantize.settings import parse_layers

    if is_float:
        return with_scheme(options, layer, FLOAT)
    if layer in parse_layers(str(options.get("layers", ""))):
        return with_scheme(options, layer, None)
    usual = str(options.get("scheme", DEFAULT_SCHEME))
    return with_scheme(options, layer, DEFAULT_SCHEME if usual == FLOAT else usual)


def blame_seconds(layers: Sequence[Mapping[str, Any]], seconds: Mapping[str, float]) -> float:
    """Return how long it may take to find who is to blame.

    Args:
        layers: as the worker lists them.
        seconds: of the last preview: "build", "run", "judge".
    """
    quantized = sum(layer["scheme"] != FLOAT for layer in layers)
    looked_again = min(quantized, 8)
    one = seconds["run"] + seconds["judge"]
    # each layer alone and each layer float on 4 samples, the worst of them three ways on 4 more, each alone in time
    runs = 8 * quantized + 16 * looked_again
    seconds_in_all: float = (2 * quantized + 3 * looked_again) * seconds["build"] + runs * one + 16 * one
    return seconds_in_all
