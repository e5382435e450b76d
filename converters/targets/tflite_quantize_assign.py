"""Give every layer the operator that computes it, where several layers have the same weights."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

# What one engine computes in two ways differs by rounding only; other tensors are further away than this many times.
_CLEARLY = 4.0
_ROUNDING = 1e-6

Found = TypeVar("Found")


@dataclass(frozen=True)
class Candidate(Generic[Found]):
    """An operator that may be a layer's.

    Attributes:
        layer: its name.
        operator: which one.
        distance: between what it computes and what the layer does, as a fraction of the span.
        rank: 0 for a layer as it is, 1 for one with something fused into it, 2 where its surroundings do not fit.
        found: what is known of the layer there; None where its surroundings do not fit.
    """

    layer: str
    operator: int
    distance: float
    rank: int
    found: Found | None


@dataclass(frozen=True)
class Assignment(Generic[Found]):
    """Which operators compute which layers.

    Attributes:
        found: by layer; layers that one operator computes alike are all there.
        shared: layers whose operator another layer of the same encoding has, too: it is written once.
        lost: layers that must be there and are not, in their order.
        merged: pairs of layers of different encodings that one operator computes.
        ambiguous: groups of layers of different encodings that cannot be told apart.
    """

    found: dict[str, Found]
    shared: frozenset[str]
    lost: tuple[str, ...]
    merged: tuple[tuple[str, str], ...]
    ambiguous: tuple[tuple[str, ...], ...]


def assign(
    layers: Sequence[str], candidates: Sequence[Candidate[Found]], encoding: Callable[[str], Hashable | None]
) -> Assignment[Found]:
    """Give each layer one operator, the nearest first.

    Args:
        layers: in the graph's order, float ones included.
        candidates: of all layers.
        encoding: of a layer by name; None for one that stays float, which need not be found.
    """
    by_layer = {name: _near([item for item in candidates if item.layer == name]) for name in layers}
    order = {name: place for place, name in enumerate(layers)}
    everything = [item for items in by_layer.values() for item in items]
    taken: dict[str, Candidate[Found]] = {}
    owners: dict[int, str] = {}
    for item in sorted(everything, key=lambda item: (item.rank, item.distance, order[item.layer], item.operator)):
        if item.layer not in taken and item.operator not in owners:
            taken[item.layer] = item
            owners[item.operator] = item.layer
    found = {name: item.found for name, item in taken.items() if item.found is not None}
    lost, merged, shared = [], [], set()
    for name in layers:
        if name in taken:
            if taken[name].found is None and encoding(name) is not None:
                lost.append(name)
            continue
        rivals = [(item, taken[owners[item.operator]]) for item in by_layer[name]]
        twin = next((item for item, rival in rivals if _is_same(item, rival, encoding)), None)
        other = next((rival.layer for item, rival in rivals if _is_merged(item, rival, encoding)), None)
        if twin is not None and twin.found is not None:
            found[name] = twin.found
            shared.add(name)
        elif other is not None:
            merged.append((other, name))
        elif encoding(name) is not None:
            lost.append(name)
    ambiguous = _ambiguous(layers, by_layer, taken, owners, encoding)
    return Assignment(found, frozenset(shared), tuple(lost), tuple(merged), ambiguous)


def _near(items: Sequence[Candidate[Found]]) -> list[Candidate[Found]]:
    """Return the candidates that a layer cannot tell from its nearest by what they compute."""
    limit = _limit(min((item.distance for item in items), default=0.0))
    return [item for item in items if item.distance <= limit]


def _limit(distance: float) -> float:
    return max(_CLEARLY * distance, _ROUNDING)


def _is_same(item: Candidate[Found], rival: Candidate[Found], encoding: Callable[[str], Hashable | None]) -> bool:
    """Whether a layer may share the operator that another has."""
    if item.found is None or rival.found is None or item.rank != rival.rank:
        return False
    return encoding(item.layer) == encoding(rival.layer) and item.distance <= _limit(rival.distance)


def _is_merged(item: Candidate[Found], rival: Candidate[Found], encoding: Callable[[str], Hashable | None]) -> bool:
    """Whether one operator computes two layers that are to be quantized differently."""
    is_alike = (item.rank == 1) == (rival.rank == 1) and item.distance <= _limit(rival.distance)
    return is_alike and encoding(item.layer) != encoding(rival.layer)


def _ambiguous(
    layers: Sequence[str],
    by_layer: dict[str, list[Candidate[Found]]],
    taken: dict[str, Candidate[Found]],
    owners: dict[int, str],
    encoding: Callable[[str], Hashable | None],
) -> tuple[tuple[str, ...], ...]:
    """Return layers that might as well have each other's operators, or one that no layer has, where it matters."""
    groups: set[tuple[str, ...]] = set()
    for name in layers:
        own = taken.get(name)
        if own is None or own.found is None:
            continue
        for item in by_layer[name]:
            if item.operator == own.operator or item.rank != own.rank:
                continue
            rival = owners.get(item.operator)
            if rival is None:
                if encoding(name) is not None:
                    groups.add((name,))
            elif encoding(rival) != encoding(name) and any(
                other.operator == own.operator and other.rank == taken[rival].rank for other in by_layer[rival]
            ):
                groups.add(tuple(sorted((name, rival))))
    return tuple(sorted(groups))
