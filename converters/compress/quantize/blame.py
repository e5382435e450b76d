"""Which layer is to blame: what each loses when it alone is quantized, and what is won back when it alone is not.

Everything in terms of the picture, beside what the layer costs in bytes and in time.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from converters.compare.measures import MEASURES
from converters.compress.quantize.encodings import Encodings, Scheme
from converters.compress.quantize.judge import PICTURES, Judge, Loss
from converters.compress.quantize.measured import Measured
from converters.compress.quantize.switching import LayerCost, can_hold, layer_costs, only, switched
from converters.destination import readable_size
from converters.measure.layer_time import LayerTime, layer_times, where
from converters.progress import Progress

BLAME_VERSION = 1
_TITLE = "Looking for the layer to blame"
_SHOWN = 24
_NEXT_TO_NOTHING = 0.01


@dataclass(frozen=True)
class LayerBlame:
    """One layer.

    Attributes:
        name, operator, scheme: which, and how it is quantized.
        alone: the loss when it alone is quantized.
        base: the loss when all layers are, on the same samples.
        without: the loss when all layers are but this one has another scheme: float, and w8 for the worst layers.
        weights: how many.
        bytes, float_bytes: of weights, scales and biases, quantized and float.
        saved_share: of all bytes that quantizing saves.
        macs_share: of the multiply-accumulates of the whole model.
        time: measured, None where it was not.
    """

    name: str
    operator: str
    scheme: Scheme
    alone: Loss
    base: Loss
    without: Mapping[Scheme, Loss]
    weights: int
    bytes: int
    float_bytes: int
    saved_share: float
    macs_share: float
    time: LayerTime | None = None

    @property
    def lost(self) -> float:
        """The mean of the measure that this layer alone costs."""
        return self.alone.mean

    def won_back(self, scheme: Scheme = Scheme.FLOAT) -> float | None:
        """Return by how much the mean falls when this layer alone gets another scheme; None where not measured."""
        found = self.without.get(scheme)
        return self.base.mean - found.mean if found is not None else None

    def person_won_back(self, scheme: Scheme = Scheme.FLOAT) -> float | None:
        """Return how much identity comes back; None where it was not measured."""
        found = self.without.get(scheme)
        if found is None or found.person_lost is None or self.base.person_lost is None:
            return None
        return self.base.person_lost - found.person_lost

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "name": self.name,
            "operator": self.operator,
            "scheme": self.scheme,
            "lost": _plain(self.lost),
            "lost_p95": _plain(self.alone.p95),
            "identity_lost": _plain(self.alone.person_lost),
            "won_back": {str(scheme): _plain(self.won_back(scheme)) for scheme in self.without},
            "identity_won_back": {str(scheme): _plain(self.person_won_back(scheme)) for scheme in self.without},
            "samples": self.alone.samples,
            "weights": self.weights,
            "bytes": self.bytes,
            "float_bytes": self.float_bytes,
            "saved_share": self.saved_share,
            "macs_share": self.macs_share,
            "float_seconds": self.time.as_float if self.time else None,
            "quantized_seconds": self.time.quantized if self.time else None,
        }


@dataclass(frozen=True)
class BlameMap:
    """Every quantized layer of a model.

    Attributes:
        measure: "lpips", or "mean" for the mean difference as a fraction of the output's span.
        base: the loss when all layers are quantized, on the most samples any layer was measured on.
        layers: the worst first.
        timed_by: in words, "" where nothing was timed.
        notes: sentences.
        seconds: of work.
    """

    measure: str
    base: Loss
    layers: tuple[LayerBlame, ...]
    timed_by: str = ""
    notes: tuple[str, ...] = field(default=())
    seconds: float = 0.0

    @property
    def chance(self) -> float:
        """What nine of ten layers that lose next to nothing alone win back or lose by chance.

        Quantized layers change each other's rounding, and with it the loss on few samples, for better or worse.
        """
        found = [layer.won_back() for layer in self.layers if layer.lost < _NEXT_TO_NOTHING * self.base.mean]
        sizes = sorted(abs(each) for each in found if each is not None)
        return sizes[9 * len(sizes) // 10] if sizes else 0.0

    @property
    def total(self) -> float:
        """The sum of what the layers lose alone; near the base's mean where their faults do not amplify each other."""
        return sum(layer.lost for layer in self.layers)

    def share(self, layer: LayerBlame) -> float:
        """Return a layer's share of what all layers lose alone; 0 where nothing is lost."""
        return layer.lost / self.total if self.total > 0 else 0.0

    def as_text(self) -> str:
        """Return a table for a terminal."""
        return _text(self)

    def to_json(self) -> dict[str, Any]:
        """Return plain data, with the table as "text"."""
        return {
            "version": BLAME_VERSION,
            "measure": self.measure,
            "base": self.base.to_json(),
            "chance": _plain(self.chance),
            "layers": [{**layer.to_json(), "share": _plain(self.share(layer))} for layer in self.layers],
            "timed_by": self.timed_by,
            "notes": list(self.notes),
            "seconds": round(self.seconds, 1),
            "text": self.as_text(),
        }


def blame(
    judge: Judge,
    encodings: Encodings,
    *,
    few: int = 4,
    more: int = 8,
    worst: int = 8,
    is_timed: bool = True,
    folder: Path | None = None,
    progress: Progress | None = None,
) -> BlameMap:
    """Return what each quantized layer of a model loses.

    Args:
        judge: of the model, with the samples.
        encodings: how the layers are quantized; those that are float are not to blame.
        few: samples for a first look at every layer.
        more: samples for the worst layers, whose int8 weights with float arithmetic are looked at too.
        worst: how many layers those are.
        is_timed: whether layers are timed in ONNX Runtime.
        folder: where losses are kept, so that an interrupted search goes on where it stopped; None to forget them.
        progress: told about every layer; may cancel.

    Raises:
        CancelledError: what was measured so far is kept.
    """
    start = time.monotonic()
    progress = progress or Progress()
    measured = Measured(judge, folder)
    with measured.kept():
        looking = _Looking(measured, encodings, few, more, progress)
        layers = looking.rank(worst)
    times = layer_times(judge.model, encodings, [layer.name for layer in layers], progress) if is_timed else {}
    layers = [replace(layer, time=times.get(layer.name)) for layer in layers]
    most = max([layer.alone.samples for layer in layers], default=few)
    return BlameMap(
        measure=judge.measure,
        base=measured.loss(encodings, most),
        layers=tuple(layers),
        timed_by=where() if times else "",
        notes=judge.notes,
        seconds=time.monotonic() - start,
    )


class _Looking:
    def __init__(self, measured: Measured, encodings: Encodings, few: int, more: int, progress: Progress) -> None:
        self._measured = measured
        self._model = measured.judge.model
        self._encodings = encodings
        self._few, self._more = few, max(few, more)
        self._progress = progress
        costs = layer_costs(self._model.proto)
        self._costs = {name: costs[name] for name, each in encodings.layers.items() if each.scheme is not Scheme.FLOAT}
        self._saved = sum(self._saving(cost) for cost in self._costs.values())

    def rank(self, worst: int) -> list[LayerBlame]:
        """Return all layers, the worst first, the worst of them by more samples."""
        names = list(self._costs)
        steps = len(names) + min(worst, len(names))
        found: dict[str, LayerBlame] = {}
        for place, name in enumerate(names):
            self._progress(_TITLE, place / steps, name)
            found[name] = self._look(name, self._few, (Scheme.FLOAT,))
        looked: set[str] = set()
        # More samples may put a layer behind one that was seen on few only: then that one is looked at too.
        while missing := [layer.name for layer in _ranked(found)[:worst] if layer.name not in looked]:
            name = missing[0]
            self._progress(_TITLE, min((len(names) + len(looked)) / steps, 1.0), name)
            found[name] = self._look(name, self._more, self._alternatives(name))
            looked.add(name)
        return _ranked(found)

    def _alternatives(self, name: str) -> tuple[Scheme, ...]:
        known = self._encodings.layers[name]
        has_rounded_activations = known.input is not None or known.scheme is Scheme.DYNAMIC
        if has_rounded_activations and can_hold(self._costs[name].layer, known, Scheme.W8):
            return (Scheme.FLOAT, Scheme.W8)
        return (Scheme.FLOAT,)

    def _look(self, name: str, samples: int, alternatives: tuple[Scheme, ...]) -> LayerBlame:
        cost = self._costs[name]
        scheme = self._encodings.scheme(name)
        return LayerBlame(
            name=name,
            operator=cost.layer.operator,
            scheme=scheme,
            alone=self._loss(only(self._encodings, name), samples),
            base=self._loss(self._encodings, samples),
            without={
                each: self._loss(switched(self._model, self._encodings, {name: each}), samples) for each in alternatives
            },
            weights=cost.weights,
            bytes=self._bytes(cost),
            float_bytes=cost.bytes(Scheme.FLOAT),
            saved_share=self._saving(cost) / self._saved if self._saved > 0 else 0.0,
            macs_share=cost.share,
        )

    def _loss(self, encodings: Encodings, samples: int) -> Loss:
        return self._measured.loss(encodings, samples, self._progress)

    def _bytes(self, cost: LayerCost) -> int:
        weight = self._encodings.layers[cost.layer.name].weight
        return cost.bytes(self._encodings.scheme(cost.layer.name), weight.block if weight else 0)

    def _saving(self, cost: LayerCost) -> int:
        return cost.bytes(Scheme.FLOAT) - self._bytes(cost)


def _ranked(found: Mapping[str, LayerBlame]) -> list[LayerBlame]:
    """Return the worst first; among equals the graph's order, so that the same losses always give the same list."""
    return sorted(found.values(), key=lambda layer: -layer.lost)


def _plain(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def title_of(measure: str) -> str:
    """Return what people call the measure of a loss."""
    return MEASURES[PICTURES if measure == PICTURES else "mean"].title


def _text(found: BlameMap) -> str:
    title = title_of(found.measure)
    base = found.base
    lines = [
        f"All {len(found.layers)} layers quantized: {title} {base.mean:.4f} on average, {base.p95:.4f} at 95 % "
        f"({base.samples} samples)."
    ]
    if not found.layers:
        return "Nothing is quantized."
    rows = [
        (
            "layer",
            "scheme",
            "lost alone",
            "share",
            "won back: float",
            "w8",
            "identity",
            "bytes",
            "saved",
            "work",
            "time",
        )
    ]
    for layer in found.layers[:_SHOWN]:
        timed = layer.time
        rows.append(
            (
                layer.name,
                str(layer.scheme),
                f"{layer.lost:.5f}",
                f"{found.share(layer):.0%}",
                _signed(layer.won_back()),
                _signed(layer.won_back(Scheme.W8)),
                f"{layer.alone.person_lost:.4f}" if layer.alone.person_lost is not None else "-",
                readable_size(layer.bytes),
                f"{layer.saved_share:.1%}",
                f"{layer.macs_share:.1%}",
                f"{timed.as_float * 1000:.2f} -> {timed.quantized * 1000:.2f} ms" if timed else "-",
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        lines.append("  ".join(cells).rstrip())
    if len(found.layers) > _SHOWN:
        rest = found.layers[_SHOWN:]
        lines.append(f"and {len(rest)} more, each {rest[0].lost:.5f} or less")
    if found.chance > 0:
        lines.append(f"won back: up to {found.chance:.5f} either way is chance, layers change each other's rounding.")
    if found.timed_by:
        lines.append(f"time: float -> quantized, of the layer by itself, {found.timed_by}; a phone's times are others.")
    return "\n".join([*lines, *found.notes])


def _signed(value: float | None) -> str:
    return f"{value:+.5f}" if value is not None else "-"
