"""What Core ML can express of a Model's Encodings, and since which system."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from converters.compress.quantize.encodings import Encodings, Scheme
from converters.model.graph import Model
from converters.parameters import Value
from converters.targets.base import Precision, names_of
from converters.targets.coreml_quantize_palette import palette_objections
from converters.torch_import.encoded_weights import block_shape

if TYPE_CHECKING:
    from converters.compress.quantize.layers import Layer

AUTOMATIC_OS = "auto"
SYSTEMS = ("iOS15", "iOS16", "iOS17", "iOS18")
PALETTE_BITS = (2, 3, 4, 6, 8)
USUAL_PALETTE_BITS = 6
_DEFAULT_OS = "iOS16"
_MOST_NAMES = 4
# Schemes that Core ML does not have: why, and the nearest that it has.
_MISSING = {
    Scheme.W8A16: ("activations of 16 bits", "w8a8, or w8 for int8 weights alone"),
    Scheme.DYNAMIC: (
        "integer activations without calibrated ranges",
        "w8 for int8 weights alone, or w8a8 with calibrated ranges",
    ),
}


def least_system(model: Model, precision: Precision, palette_bits: int) -> tuple[str, str]:
    """Return the oldest system that can open such a package, and what needs it ("" where nothing special does)."""
    needs = {"iOS15": ""}
    if precision in (Precision.INT8_WEIGHTS, Precision.PALETTE):
        needs["iOS16"] = "compressed weights"
    if precision is Precision.PALETTE and palette_bits == 3:
        needs["iOS18"] = "a palette of 3 bits"
    schemes = _schemes(model, precision)
    if Scheme.W8 in schemes:
        needs["iOS16"] = "compressed weights"
    if Scheme.W8A8 in schemes:
        needs["iOS17"] = "int8 activations"
    if Scheme.W4 in schemes:
        needs["iOS18"] = "4-bit weights"
    system = max(needs)
    return system, needs[system]


def chosen_system(model: Model, precision: Precision, options: dict[str, Value]) -> tuple[str, str]:
    """Return the system to make a package for, and a note where that is a later one than usual."""
    wanted = str(options["minimum_os"])
    needed, reason = least_system(model, precision, int(options["palette_bits"]))
    if wanted != AUTOMATIC_OS:
        return wanted, ""
    if needed <= _DEFAULT_OS:
        return _DEFAULT_OS, ""
    return needed, f"The package needs {_spaced(needed)} or later: {reason}."


def quantization_objections(model: Model, precision: Precision, options: dict[str, Value]) -> list[str]:
    """Return sentences on what Core ML cannot express, each with the nearest that it can."""
    objections = []
    needed, reason = least_system(model, precision, int(options["palette_bits"]))
    wanted = str(options["minimum_os"])
    if wanted != AUTOMATIC_OS and wanted < needed:
        objections.append(
            f"minimum_os is {wanted}, {reason} need {needed}; set minimum_os to {needed} or {AUTOMATIC_OS}."
        )
    if precision is Precision.PALETTE:
        objections += palette_objections(model)
    elif int(options["palette_bits"]) != USUAL_PALETTE_BITS:
        objections.append(f"palette_bits has no effect on {precision}, only on palette; leave it out.")
    encodings = model.encodings if precision is Precision.INT8 else None
    if encodings is None:
        return objections
    for scheme, (what, nearest) in _MISSING.items():
        names = [name for name, layer in encodings.layers.items() if layer.scheme is scheme]
        if names:
            objections.append(f"Core ML has no {what} ({_named(names)}); nearest: {nearest}.")
    return objections + _block_objections(model, encodings)


def _schemes(model: Model, precision: Precision) -> set[Scheme]:
    if precision is Precision.INT4_WEIGHTS:
        return {Scheme.W4}
    if precision is Precision.INT8 and model.encodings is not None:
        return set(model.encodings.schemes)
    return set()


def _block_objections(model: Model, encodings: Encodings) -> list[str]:
    from converters.compress.quantize.layers import find_layers

    shapes = {tensor.name: tuple(tensor.dims) for tensor in model.proto.graph.initializer}
    misfits: dict[tuple[int, int], list[str]] = {}
    for layer in find_layers(model.proto):
        own = encodings.layers.get(layer.name)
        if own is None or own.weight is None or not own.weight.block:
            continue
        channels, inputs, *kernel = _channels_first(shapes[layer.weight], layer)
        if block_shape((channels, inputs, *kernel), own.weight.block) is None:
            nearest = _nearest_block(inputs, int(np.prod(kernel)), own.weight.block)
            misfits.setdefault((own.weight.block, nearest), []).append(layer.name)
    return [
        f"Core ML cuts weights into blocks of whole kernels, not into blocks of {block} ({_named(names)}); nearest: "
        f"{f'weight_block {nearest}, or 0' if nearest else 'weight_block 0'} for one scale per channel."
        for (block, nearest), names in misfits.items()
    ]


def _nearest_block(inputs: int, kernel: int, block: int) -> int:
    """Return the size of whole kernels nearest to `block` that cuts the input channels evenly; 0 for none."""
    sizes = [count * kernel for count in range(1, inputs) if inputs % count == 0]
    return min(sizes, key=lambda size: abs(size - block), default=0)


def _channels_first(shape: tuple[int, ...], layer: Layer) -> tuple[int, ...]:
    return (shape[layer.axis], *(size for axis, size in enumerate(shape) if axis != layer.axis))


def _named(names: Iterable[str]) -> str:
    shown = list(names)
    return f"layers {names_of(shown, _MOST_NAMES)}" if len(shown) > 1 else names_of(shown, _MOST_NAMES)


def _spaced(system: str) -> str:
    return system.replace("iOS", "iOS ")
