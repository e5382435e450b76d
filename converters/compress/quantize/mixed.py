"""Automatic mixed precision: the smallest file, and of equal ones the quickest, that loses no more than a budget.

Every layer starts with its cheapest scheme, or with the one it was given. The layer whose change promises to win back
most for its price is made more precise, and the whole is measured again, until the budget holds on all samples; then
every change that turns out not to be needed is taken back. What a change promises is what the layer loses alone: as
long as losses are small, those of independent layers add up (Dong et al., "HAWQ-V2", NeurIPS 2020, rank layers by the
same assumption).
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from converters.compress.quantize.encodings import Encodings, Scheme
from converters.compress.quantize.judge import Judge, Loss
from converters.compress.quantize.measured import Measured
from converters.compress.quantize.mixed_result import Budget, MixedResult, MixedStep
from converters.compress.quantize.switching import (
    INTEGER,
    PRECISION,
    LayerCost,
    can_hold,
    layer_costs,
    only,
    switched,
)
from converters.errors import UsageError
from converters.progress import Progress

__all__ = ["FOR_ALL_TARGETS", "Budget", "MixedResult", "MixedStep", "mixed_precision", "schemes_for"]

FOR_ALL_TARGETS = (Scheme.W8A8, Scheme.W8, Scheme.FLOAT)
_TITLE = "Choosing the precision of each layer"
_NOTHING: Mapping[str, Scheme] = MappingProxyType({})
_LEAST_GAIN = 1e-7
_LEAST_PRICE = 0.005
"""Of all work or bytes: what every exception costs, so that none is made for next to nothing."""
# A change that is predicted to need more than twice the room there is, is not tried: predictions err, not that much.
_TRUST = 0.5


def schemes_for(targets: Collection[str], *, with_w4: bool = False) -> tuple[Scheme, ...]:
    """Return the schemes to choose from that all of some targets can hold."""
    found = list(FOR_ALL_TARGETS)
    if set(targets) == {"tflite"}:
        found.insert(1, Scheme.W8A16)
    return (Scheme.W4, *found) if with_w4 else tuple(found)


def mixed_precision(
    judge: Judge,
    encodings: Encodings,
    budget: Budget,
    *,
    allowed: Sequence[Scheme] = FOR_ALL_TARGETS,
    least: Mapping[str, Scheme] = _NOTHING,
    few: int = 4,
    block: int = 32,
    float_bytes: int = 4,
    folder: Path | None = None,
    progress: Progress | None = None,
) -> MixedResult:
    """Choose a scheme for each layer.

    Args:
        judge: of the model, with the samples that the budget is to hold on.
        encodings: all layers quantized, with ranges; layers that are float stay so.
        budget: what may be lost.
        allowed: schemes to choose from; see `schemes_for`.
        least: by layer the scheme to start with, which only gives way to more precise ones; others start with the
            cheapest of those that are allowed.
        few: samples to search by; the result is checked on all.
        block: 4-bit weights that share a scale.
        float_bytes: of a float weight in the file: 2 for fp16.
        folder: where losses are kept, so that an interrupted search goes on where it stopped; None to forget them.
        progress: told about every measurement; may cancel.

    Returns:
        The choice; with `met` False the most precise one that there is, and what limits it.

    Raises:
        UsageError: no scheme is allowed.
        CancelledError: what was measured so far is kept.
    """
    if not allowed:
        raise UsageError("There is no scheme to choose from.", "", "Allow at least w8a8, w8 and float.")
    start = time.monotonic()
    measured = Measured(judge, folder)
    with measured.kept():
        search = _Search(measured, encodings, budget, allowed, least, few, block, float_bytes, progress or Progress())
        found = search.run()
    return replace(found, seconds=time.monotonic() - start)


class _Search:
    def __init__(
        self,
        measured: Measured,
        encodings: Encodings,
        budget: Budget,
        allowed: Sequence[Scheme],
        least: Mapping[str, Scheme],
        few: int,
        block: int,
        float_bytes: int,
        progress: Progress,
    ) -> None:
        self._measured = measured
        self._model = measured.judge.model
        self._encodings = encodings
        self._budget = budget
        self._few = min(few, measured.judge.samples)
        self._block, self._float_bytes = block, float_bytes
        self._progress = progress
        self._path: list[MixedStep] = []
        costs = layer_costs(self._model.proto)
        self._costs = {name: costs[name] for name, each in encodings.layers.items() if each.scheme is not Scheme.FLOAT}
        self._options = {name: self._options_of(name, allowed, least.get(name)) for name in self._costs}
        self._chosen = {name: options[0] for name, options in self._options.items()}

    def _options_of(self, name: str, allowed: Sequence[Scheme], least: Scheme | None) -> list[Scheme]:
        """Return a layer's schemes, cheapest first: fewer bytes, then work for integer kernels, then quicker ones."""
        cost, known = self._costs[name], self._encodings.layers[name]
        held = {scheme for scheme in allowed if can_hold(cost.layer, known, scheme)} or {known.scheme}
        if least is None:
            return sorted(held, key=lambda scheme: self._price(cost, scheme))
        more = (scheme for scheme in held if PRECISION.index(scheme) > PRECISION.index(least))
        return [least, *sorted(more, key=lambda scheme: self._price(cost, scheme))]

    def run(self) -> MixedResult:
        few = self._measure("start", "", self._few)
        every = self._measure("check", "", None)
        cheapest = dict(self._chosen)
        if self._budget.overrun(every) > 1:
            every = self._relax(few, every)
        if self._budget.overrun(every) > 1:
            return self._limited(every)
        every = self._tighten(every, cheapest)
        return self._result(every, True, "")

    def _relax(self, few: Loss, every: Loss) -> Loss:
        """Make layers more precise until the budget holds on all samples; return what is lost then."""
        while True:
            change = self._best_change()
            if change is None:
                return self._measure("check", "", None)
            name, scheme = change
            self._chosen[name] = scheme
            # The few samples may be easier or harder than all are: by how much is known from the last check.
            harder = self._budget.overrun(every) / self._budget.overrun(few) if few.mean > 0 else 1.0
            now = self._measure("relax", name, self._few)
            if self._budget.overrun(now) * harder > 1:
                continue
            few, every = now, self._measure("check", "", None)
            if self._budget.overrun(every) <= 1:
                return every

    def _best_change(self) -> tuple[str, Scheme] | None:
        """Return the layer and scheme that promise most for their price; those that cost no bytes come first.

        What a scheme loses alone is measured for those only that would come first if they lost nothing.
        """
        hopes: dict[tuple[str, Scheme], float] = {}
        for name, now in self._chosen.items():
            for scheme in self._options[name][self._options[name].index(now) + 1 :]:
                if PRECISION.index(scheme) > PRECISION.index(now) or now is Scheme.W4:
                    hopes[name, scheme] = self._alone(name, now)
        certain: set[tuple[str, Scheme]] = set()
        while hopes:
            best = max(hopes, key=lambda change: (self._worth(change, hopes[change]), hopes[change]))
            if hopes[best] <= _LEAST_GAIN and best in certain:
                del hopes[best]
                continue
            if best in certain:
                return best
            name, scheme = best
            hopes[best] = self._alone(name, self._chosen[name]) - self._alone(name, scheme)
            certain.add(best)
        return None

    def _worth(self, change: tuple[str, Scheme], gain: float) -> tuple[int, float]:
        """Return a rank of a change: free of bytes first; then by gain per byte, or per share of the work."""
        name, scheme = change
        if gain <= _LEAST_GAIN:
            return (-1, gain)
        cost, now = self._costs[name], self._chosen[name]
        more = self._bytes(cost, scheme) - self._bytes(cost, now)
        if more > 0:
            return (0, gain / (more + _LEAST_PRICE * self._total(self._chosen)))
        slower = max(self._price(cost, scheme)[1] - self._price(cost, now)[1], 0.0)
        return (1, gain / (slower + _LEAST_PRICE))

    def _alone(self, name: str, scheme: Scheme) -> float:
        """Return what a layer loses when it alone is quantized, on few samples."""
        self._progress(_TITLE, self._fraction(), f"{name} {scheme}")
        if scheme is Scheme.FLOAT and not self._encodings.replaced:
            return 0.0
        changed = switched(self._model, self._encodings, {name: scheme}, self._block)
        return self._measured.loss(only(changed, name), self._few, self._progress).mean

    def _tighten(self, every: Loss, cheapest: Mapping[str, Scheme]) -> Loss:
        """Take back what is not needed, where that saves most for the least loss; return what is lost then."""
        changed = [name for name in self._chosen if self._chosen[name] is not cheapest[name]]

        def saving_per_loss(name: str) -> tuple[float, float]:
            cost, now = self._costs[name], self._chosen[name]
            more = max(self._alone(name, cheapest[name]) - self._alone(name, now), _LEAST_GAIN)
            dearer = [b - a for a, b in zip(self._price(cost, cheapest[name]), self._price(cost, now), strict=True)]
            return (dearer[0] / more, dearer[1] / more)

        for name in sorted(changed, key=saving_per_loss, reverse=True):
            now = self._chosen[name]
            for scheme in self._options[name][: self._options[name].index(now)]:
                more = self._alone(name, scheme) - self._alone(name, now)
                if every.mean + _TRUST * more > self._budget.usable_mean:
                    continue
                self._chosen[name] = scheme
                found = self._measure("tighten", name, None)
                if self._budget.overrun(found) <= 1:
                    every = found
                    break
                self._chosen[name] = now
                self._path[-1] = replace(self._path[-1], action="keep", scheme=str(now))
        return every

    def _limited(self, every: Loss) -> MixedResult:
        """Return the most precise choice there is, and whose fault it is that it does not do."""
        reached = dict(self._chosen), every
        self._chosen = {name: max(options, key=PRECISION.index) for name, options in self._options.items()}
        best = self._measure("limit", "", None)
        if self._budget.overrun(best) > self._budget.overrun(reached[1]):
            self._chosen, best = reached
        elif self._budget.overrun(best) <= 1:
            return self._result(self._tighten(best, {name: each[0] for name, each in self._options.items()}), True, "")
        worst = sorted(self._chosen, key=lambda name: -self._alone(name, self._chosen[name]))[:3]
        blamed = [
            f"{name} ({self._chosen[name]}, {self._alone(name, self._chosen[name]):.4f} alone)"
            for name in worst
            if self._alone(name, self._chosen[name]) > _LEAST_GAIN
        ]
        allowed = {scheme for options in self._options.values() for scheme in options}
        reason = f"Most of what is left is lost by {', '.join(blamed)}." if blamed else "No layer alone is to blame."
        if Scheme.FLOAT not in allowed:
            reason += " No layer may stay float; allow that."
        elif self._encodings.replaced:
            reason += " Float layers lose too, because their weights were replaced."
        return self._result(best, False, reason)

    def _measure(self, action: str, layer: str, samples: int | None) -> Loss:
        self._progress(_TITLE, self._fraction(), f"{action} {layer}".strip())
        loss = self._measured.loss(self._now(), samples, self._progress)
        self._path.append(
            MixedStep(
                len(self._path),
                action,
                layer,
                str(self._chosen[layer]) if layer else "",
                loss.mean,
                loss.samples,
                self._total(self._chosen),
                self._integer_share(),
            )
        )
        return loss

    def _now(self) -> Encodings:
        return switched(self._model, self._encodings, self._chosen, self._block)

    def _fraction(self) -> float:
        """Return how far the search may be: nobody knows how many changes it takes, half of the layers is a guess."""
        return 1 - 1 / (1 + 2 * len(self._path) / max(len(self._costs), 1))

    def _price(self, cost: LayerCost, scheme: Scheme) -> tuple[float, float]:
        """Return bytes, then the share of the work that int8 kernels do not do; 16 bits count half."""
        slow = {Scheme.W8A8: 0.0, Scheme.DYNAMIC: 0.25, Scheme.W8A16: 0.5, Scheme.FLOAT: 1.0}.get(scheme, 1.0)
        return (float(self._bytes(cost, scheme)), cost.share * slow)

    def _bytes(self, cost: LayerCost, scheme: Scheme) -> int:
        return cost.bytes(scheme, self._block, self._float_bytes)

    def _total(self, schemes: Mapping[str, Scheme]) -> int:
        return sum(self._bytes(self._costs[name], scheme) for name, scheme in schemes.items())

    def _integer_share(self) -> float:
        return sum(self._costs[name].share for name, scheme in self._chosen.items() if scheme in INTEGER)

    def _result(self, loss: Loss, met: bool, limits: str) -> MixedResult:
        return MixedResult(
            met=met,
            budget=self._budget,
            encodings=self._now(),
            schemes=dict(self._chosen),
            loss=loss,
            bytes=self._total(self._chosen),
            float_bytes=self._total(dict.fromkeys(self._chosen, Scheme.FLOAT)),
            integer_share=self._integer_share(),
            path=tuple(self._path),
            limits=limits,
            notes=self._measured.judge.notes,
        )
