"""Automatic mixed precision: the smallest file, and of equal ones the quickest, that loses no more than a budget.

Every layer starts with its cheapest scheme. The layer whose change promises to win back most for its price is made
more precise, and the whole is measured again, until the budget holds on all samples; then every change that turns out
not to be needed is taken back. What a change promises is what the layer loses alone: as long as losses are small, those
of independent layers add up (Dong et al., "HAWQ-V2", NeurIPS 2020, rank layers by the same assumption).
"""

from __future__ import annotations

import glob
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from converters.compress.quantize.blame import title_of
from converters.compress.quantize.encodings import Encodings, Scheme
from converters.compress.quantize.judge import Judge, Loss
from converters.compress.quantize.measured import Measured
from converters.compress.quantize.switching import (
    INTEGER,
    PRECISION,
    LayerCost,
    can_hold,
    layer_costs,
    only,
    switched,
)
from converters.destination import readable_size
from converters.errors import UsageError
from converters.progress import Progress

MIXED_VERSION = 1
FOR_ALL_TARGETS = (Scheme.W8A8, Scheme.W8, Scheme.FLOAT)
_TITLE = "Choosing the precision of each layer"
_LEAST_GAIN = 1e-7
_LEAST_PRICE = 0.005
"""Of all work or bytes: what every exception costs, so that none is made for next to nothing."""
# A change that is predicted to need more than twice the room there is, is not tried: predictions err, not that much.
_TRUST = 0.5


@dataclass(frozen=True)
class Budget:
    """What may be lost.

    Attributes:
        mean: of the measure (LPIPS, or the mean difference as a fraction of the span), above 0.
        p95: what 95 % of the samples must not exceed; None for twice the mean.
        person: by how much the cosine to the face that was to appear may fall; None for any.
        margin: the fraction of mean and p95 kept free, because other pictures lose more or less.
    """

    mean: float
    p95: float | None = None
    person: float | None = None
    margin: float = 0.05

    def __post_init__(self) -> None:
        for given in (self.mean, self.p95, self.person):
            if given is not None and not given > 0:
                raise UsageError(f"A budget of {given:g} cannot be held.", "", "Give a number above 0, such as 0.02.")
        if not 0 <= self.margin < 1:
            raise UsageError(f"A margin of {self.margin:g} leaves no budget.", "", "Give a fraction, such as 0.05.")

    @property
    def usable_mean(self) -> float:
        """The mean without the margin."""
        return self.mean * (1 - self.margin)

    @property
    def usable_p95(self) -> float:
        """The 95th percentile without the margin."""
        return (2 * self.mean if self.p95 is None else self.p95) * (1 - self.margin)

    def overrun(self, loss: Loss) -> float:
        """Return the largest ratio of what is lost to what may be: up to 1 the budget holds."""
        ratios = [loss.mean / self.usable_mean, loss.p95 / self.usable_p95]
        if self.person is not None and loss.person_lost is not None:
            ratios.append(loss.person_lost / self.person)
        return max(ratios)


@dataclass(frozen=True)
class MixedStep:
    """One measurement on the way.

    Attributes:
        number: from 0.
        action: "start", "relax", "tighten" (kept), "keep" (a tightening that did not hold), "check" or "limit".
        layer, scheme: what was changed; "" where nothing was.
        loss: the mean of the measure.
        samples: on how many.
        bytes: of all layers.
        integer_share: of the multiply-accumulates done by integer kernels.
    """

    number: int
    action: str
    layer: str
    scheme: str
    loss: float
    samples: int
    bytes: int
    integer_share: float

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        data = dict(vars(self))
        return data | {"loss": self.loss if self.loss < float("inf") else None}


@dataclass(frozen=True)
class MixedResult:
    """What was chosen.

    Attributes:
        met: whether the budget holds on all samples.
        encodings: with the chosen schemes.
        schemes: of every layer that was quantized to begin with.
        loss: on all samples.
        bytes, float_bytes: of weights, scales and biases of all layers, as chosen and float.
        integer_share: of the multiply-accumulates done by integer kernels.
        path: how it was found.
        limits: what stands in the way, in a sentence; "" where the budget holds.
        seconds: of work.
    """

    met: bool
    budget: Budget
    encodings: Encodings
    schemes: Mapping[str, Scheme]
    loss: Loss
    bytes: int
    float_bytes: int
    integer_share: float
    path: tuple[MixedStep, ...]
    limits: str = ""
    notes: tuple[str, ...] = field(default=())
    seconds: float = 0.0

    @property
    def rules(self) -> dict[str, Scheme]:
        """The schemes as rules of `QuantizeSettings.layers`, whose names are patterns."""
        return {glob.escape(name): scheme for name, scheme in self.schemes.items()}

    @property
    def sentence(self) -> str:
        """What came of it."""
        kinds: dict[Scheme, int] = {}
        for scheme in self.schemes.values():
            kinds[scheme] = kinds.get(scheme, 0) + 1
        counted = ", ".join(f"{kinds[scheme]} {scheme}" for scheme in sorted(kinds))
        found = (
            f"{title_of(self.loss.measure)} {self.loss.mean:.4f} on average and {self.loss.p95:.4f} at 95 % on "
            f"{self.loss.samples} samples with {counted}: {readable_size(self.bytes)} instead of "
            f"{readable_size(self.float_bytes)}, {self.integer_share:.0%} of the multiply-accumulates in integers."
        )
        if self.met:
            return f"The budget of {self.budget.mean:g} holds. {found}"
        return f"The budget of {self.budget.mean:g} cannot be held; the best was: {found} {self.limits}"

    def as_text(self) -> str:
        """Return the sentence, the layers that are not like the most, and the path."""
        usual = max(set(self.schemes.values()), key=list(self.schemes.values()).count, default=Scheme.FLOAT)
        others = [f"  {name}: {scheme}" for name, scheme in self.schemes.items() if scheme is not usual]
        lines = [self.sentence, *([f"Not {usual}:", *others] if others else [])]
        for step in self.path:
            what = f"{step.action} {step.layer} {step.scheme}".strip()
            lines.append(
                f"{step.number:3d}  {step.loss:.5f} on {step.samples:2d}  {readable_size(step.bytes):>8}  "
                f"{step.integer_share:4.0%}  {what}"
            )
        return "\n".join([*lines, *self.notes])

    def to_json(self) -> dict[str, Any]:
        """Return plain data, without the Encodings."""
        return {
            "version": MIXED_VERSION,
            "met": self.met,
            "budget": vars(self.budget) | {"p95": self.budget.usable_p95 / (1 - self.budget.margin)},
            "schemes": {name: str(scheme) for name, scheme in self.schemes.items()},
            "loss": self.loss.to_json(),
            "bytes": self.bytes,
            "float_bytes": self.float_bytes,
            "integer_share": self.integer_share,
            "path": [step.to_json() for step in self.path],
            "limits": self.limits,
            "sentence": self.sentence,
            "notes": list(self.notes),
            "seconds": round(self.seconds, 1),
        }


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
        search = _Search(measured, encodings, budget, allowed, few, block, float_bytes, progress or Progress())
        found = search.run()
    return replace(found, seconds=time.monotonic() - start)


class _Search:
    def __init__(
        self,
        measured: Measured,
        encodings: Encodings,
        budget: Budget,
        allowed: Sequence[Scheme],
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
        # cheapest first: fewer bytes, then work that integer kernels do, then the quicker kernel
        self._options = {
            name: sorted(
                {scheme for scheme in allowed if can_hold(cost.layer, encodings.layers[name], scheme)}
                or {encodings.scheme(name)},
                key=lambda scheme, cost=cost: self._price(cost, scheme),  # type: ignore[misc]
            )
            for name, cost in self._costs.items()
        }
        self._chosen = {name: options[0] for name, options in self._options.items()}

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
