"""What automatic mixed precision is asked for and what it gives: a budget, a choice, and how it was found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from converters.compress.quantize.blame import title_of
from converters.compress.quantize.encodings import Encodings, Scheme
from converters.compress.quantize.judge import Loss
from converters.destination import readable_size
from converters.errors import UsageError

MIXED_VERSION = 1


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
        """The schemes of all layers, those that were float to begin with too, as rules of `QuantizeSettings.layers`."""
        return {name: layer.scheme for name, layer in self.encodings.layers.items()}

    def judged(self, encodings: Encodings, loss: Loss) -> MixedResult:
        """Return this choice as it is in the end, when ranges are made anew and weights and biases corrected.

        Args:
            encodings: with the chosen schemes.
            loss: theirs, on all samples.
        """
        met = self.budget.overrun(loss) <= 1
        limits = "" if met else self.limits
        if self.met and not met:
            limits = (
                f"The schemes alone lose {self.loss.mean:.4f} on average and {self.loss.p95:.4f} at 95 %; what was "
                "done to ranges, weights and biases afterwards loses the rest."
            )
        return replace(self, met=met, encodings=encodings, loss=loss, limits=limits)

    @property
    def sentence(self) -> str:
        """What came of it."""
        kinds: dict[Scheme, int] = {}
        for scheme in self.schemes.values():
            kinds[scheme] = kinds.get(scheme, 0) + 1
        counted = ", ".join(f"{kinds[scheme]} {scheme}" for scheme in sorted(kinds)) or "no layer quantized"
        found = (
            f"{title_of(self.loss.measure)} {self.loss.mean:.4f} on average and {self.loss.p95:.4f} at 95 % on "
            f"{self.loss.samples} samples with {counted}: {readable_size(self.bytes)} instead of "
            f"{readable_size(self.float_bytes)}, {self.integer_share:.0%} of the multiply-accumulates in integers."
        )
        if self.met:
            return f"The budget of {self.budget.mean:g} holds. {found}"
        return f"The budget of {self.budget.mean:g} is not held: {found} {self.limits}"

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
