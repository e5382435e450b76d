"""Which model this is, recognised from its structure against `resources/families.json`, never from a file's name.

A family's `structure` is data: the shapes of its edges and limits of the numbers that `fingerprint` measures. Families
that nothing in the graph tells apart say so with `same_as`; the first is recognised and names the others.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from converters.model.fingerprint import Edge, Fingerprint, fingerprint
from converters.model.signature import ColourOrder, Role

if TYPE_CHECKING:
    import onnx

FAMILIES_FILE = Path(__file__).resolve().parents[2] / "resources" / "families.json"
_FILE_VERSION = 1


@dataclass(frozen=True)
class FamilyTensor:
    """An input or output as the family's host programs use it.

    Attributes:
        name: in the published file, "" when it is not established.
        shape: sizes; a string is a size that varies; None when not established.
        elements: number of elements where only that is established, otherwise 0.
        dtype: numpy's name, "" when it varies.
        role, layout, colour, value_range, mean, std: as in `TensorInfo`.
        optional: some files of the family lack it.
    """

    name: str
    shape: tuple[int | str, ...] | None
    elements: int
    dtype: str
    role: Role
    layout: str
    colour: ColourOrder | None
    value_range: tuple[float, float] | None
    mean: tuple[float, ...]
    std: tuple[float, ...]
    optional: bool


@dataclass(frozen=True)
class Structure:
    """What a graph must show to be of a family.

    Attributes:
        numbers: limits (both included, None for none) of a `Fingerprint`'s numbers; a missing number is 0.
        named: the published input names are required too, because little else is established.
        more_outputs: further outputs than the listed ones are fine.
    """

    numbers: dict[str, tuple[float | None, float | None]]
    named: bool
    more_outputs: bool


@dataclass(frozen=True)
class Family:
    """One known model.

    Attributes:
        id: as in recipes, metadata and reports.
        title: for people.
        kind: "swapper", "detector", "enhancer", …
        stage: its place in the face pipeline.
        vendor: who published it, "" when unknown.
        licence: as listed, "" when none is.
        commercial: whether commercial use is allowed; None when that is not established.
        inputs, outputs: not necessarily in the graph's order; bind by `match`.
        template: the face template of its crop, "" for none.
        size: height and width of its picture input, None for none.
        embedding: how `source` is made from a raw recogniser embedding: "emap", "unit", "crossface_x" or
            "crossface_x, unit"; "" for none.
        hazards: what a compressor should know.
        structure: how it is recognised; None for those listed as `same_as` another.
        same_as: the id of the family that the graph cannot be told from, "" for none.
        alternatives: ids of the families this one cannot be told from.
        quantize: layers that stay more precise than the others when activations become integers: a scheme's name by
            pattern, as in the rules of `QuantizeSettings.layers`.
    """

    id: str
    title: str
    kind: str
    stage: str
    vendor: str
    licence: str
    commercial: bool | None
    inputs: tuple[FamilyTensor, ...]
    outputs: tuple[FamilyTensor, ...]
    template: str
    size: tuple[int, int] | None
    embedding: str
    hazards: tuple[str, ...]
    structure: Structure | None
    same_as: str
    alternatives: tuple[str, ...] = field(default=())
    quantize: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Match:
    """How a graph's edges correspond to a family's: by the graph's names; edges without a counterpart are missing."""

    family: Family
    inputs: dict[str, FamilyTensor]
    outputs: dict[str, FamilyTensor]
    certainty: int


@cache
def families() -> dict[str, Family]:
    """Return every known family by id, in the file's order."""
    data = json.loads(FAMILIES_FILE.read_text(encoding="utf-8"))
    if data["version"] != _FILE_VERSION:
        raise ValueError(f"{FAMILIES_FILE.name} has version {data['version']}, this program reads {_FILE_VERSION}")
    groups: dict[str, list[str]] = {}
    for entry in data["families"]:
        groups.setdefault(entry.get("same_as") or entry["id"], []).append(entry["id"])
    found = {}
    for entry in data["families"]:
        group = groups[entry.get("same_as") or entry["id"]]
        found[entry["id"]] = _family(entry, tuple(other for other in group if other != entry["id"]))
    return found


def family(identifier: str) -> Family | None:
    """Return the family called `identifier`, None for "" and unknown ids (a Model's family may come from a file)."""
    return families().get(identifier)


def recognise(proto: onnx.ModelProto) -> Family | None:
    """Return the family a graph belongs to, None for an unknown one.

    Where several models share one structure the first is returned and names the others in `alternatives`.
    """
    match = best_match(proto)
    return match.family if match else None


def best_match(proto: onnx.ModelProto) -> Match | None:
    """Return the most certain match of a graph with a family, None when nothing fits."""
    print_ = fingerprint(proto)
    matches = [found for known in families().values() if (found := _match(print_, known)) is not None]
    return max(matches, key=lambda match: match.certainty, default=None)


def match_with(proto: onnx.ModelProto, known: Family) -> Match | None:
    """Return how a graph's edges correspond to those of a given family, whatever its other marks; None if not."""
    return _match_edges(fingerprint(proto), known)


def _match(print_: Fingerprint, known: Family) -> Match | None:
    structure = known.structure
    if structure is None:
        return None
    for name, (low, high) in structure.numbers.items():
        value = print_.numbers.get(name, 0)
        if (low is not None and value < low) or (high is not None and value > high):
            return None
    match = _match_edges(print_, known)
    if match is None:
        return None
    limits = sum(2 if high is not None else 1 for _, high in structure.numbers.values())
    return Match(known, match.inputs, match.outputs, match.certainty + limits)


def _match_edges(print_: Fingerprint, known: Family) -> Match | None:
    named = known.structure is not None and known.structure.named
    more = known.structure is not None and known.structure.more_outputs
    inputs = _assign(print_.inputs, known.inputs, named=named, more=False)
    outputs = _assign(print_.outputs, known.outputs, named=False, more=more)
    if inputs is None or outputs is None:
        return None
    sure = sum(_certainty(edge, inputs[edge.name]) for edge in print_.inputs)
    sure += sum(_certainty(edge, outputs[edge.name]) for edge in print_.outputs if edge.name in outputs)
    return Match(known, inputs, outputs, sure)


def _assign(
    edges: Sequence[Edge], wanted: Sequence[FamilyTensor], *, named: bool, more: bool
) -> dict[str, FamilyTensor] | None:
    """Give every wanted tensor an edge: by name first, then by shape, in order. None when that is impossible."""
    taken: dict[str, FamilyTensor] = {}
    waiting = []
    by_name = {edge.name: edge for edge in edges}
    for tensor in wanted:
        edge = by_name.get(tensor.name)
        if edge is not None and _fits(edge, tensor, strict=named):
            taken[edge.name] = tensor
        elif named and tensor.name and not tensor.optional:
            return None
        else:
            waiting.append(tensor)
    # the pickiest first, so that "anything" does not take a place that a precise shape needs
    for tensor in sorted(waiting, key=lambda item: -_precision(item)):
        fitting = [edge for edge in edges if edge.name not in taken and _fits(edge, tensor, strict=named)]
        if not fitting:
            if not tensor.optional:
                return None
            continue
        taken[fitting[0].name] = tensor
    return taken if more or len(taken) == len(edges) else None


def _precision(tensor: FamilyTensor) -> int:
    return sum(isinstance(size, int) for size in tensor.shape or ()) + (tensor.elements > 0)


def _fits(edge: Edge, tensor: FamilyTensor, *, strict: bool) -> bool:
    """Whether an edge may be this tensor. `strict`: only the batch axis may be dynamic."""
    if tensor.elements and edge.shape is not None:
        rest = edge.shape[1:]
        return -1 not in rest and math.prod(abs(size) for size in edge.shape) == tensor.elements
    if tensor.shape is None or edge.shape is None:
        return not (strict and tensor.shape is not None)
    if len(edge.shape) != len(tensor.shape):
        return False
    for axis, (have, want) in enumerate(zip(edge.shape, tensor.shape, strict=True)):
        if not isinstance(want, int) or have == want:
            continue
        if have != -1 or (strict and axis > 0):
            return False
    return True


def _certainty(edge: Edge, tensor: FamilyTensor) -> int:
    """Count what agrees exactly: sizes, and the name."""
    sizes = zip(edge.shape or (), tensor.shape or (), strict=False)
    return sum(have == want for have, want in sizes) + (edge.name == tensor.name) + bool(tensor.elements)


def _family(entry: dict[str, Any], alternatives: tuple[str, ...]) -> Family:
    structure = entry.get("structure")
    return Family(
        id=entry["id"],
        title=entry["title"],
        kind=entry["kind"],
        stage=entry["stage"],
        vendor=entry["vendor"],
        licence=entry["licence"],
        commercial=entry["commercial"],
        inputs=tuple(_tensor(tensor) for tensor in entry["inputs"]),
        outputs=tuple(_tensor(tensor) for tensor in entry["outputs"]),
        template=entry["template"],
        size=(entry["size"][0], entry["size"][1]) if entry["size"] else None,
        embedding=entry["embedding"],
        hazards=tuple(entry["hazards"]),
        structure=Structure(
            {name: (limits[0], limits[1]) for name, limits in structure["numbers"].items()},
            structure["named"],
            structure["more_outputs"],
        )
        if structure
        else None,
        same_as=entry.get("same_as", ""),
        alternatives=alternatives,
        quantize=dict(entry.get("quantize", {})),
    )


def _tensor(data: dict[str, Any]) -> FamilyTensor:
    value_range = data.get("value_range")
    shape = data.get("shape")
    return FamilyTensor(
        name=data["name"],
        shape=tuple(shape) if shape is not None else None,
        elements=data.get("elements", 0),
        dtype=data["dtype"],
        role=Role(data["role"]),
        layout=data.get("layout", ""),
        colour=ColourOrder(data["colour"]) if data.get("colour") else None,
        value_range=(value_range[0], value_range[1]) if value_range else None,
        mean=tuple(data.get("mean", ())),
        std=tuple(data.get("std", ())),
        optional=data.get("optional", False),
    )
