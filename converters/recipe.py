"""A Recipe: what to do with a model, as versioned JSON that another machine or a later version can read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from converters.errors import BadInputError, UsageError, did_you_mean
from converters.parameters import Value
from converters.precision import Precision

RECIPE_VERSION = 1
_MOST_BRACKETS = 10_000
_MOST_SECONDS = 86_400
DEFAULT_SAMPLES = 10
QUANTIZING_STEPS = ("quantize",)
DEFAULT_SECONDS = 25.0


@dataclass(frozen=True)
class StepRequest:
    """One step and its options."""

    step: str
    options: dict[str, Value] = field(default_factory=dict)


@dataclass(frozen=True)
class TargetRequest:
    """One file to make: target, precision and the target's options."""

    target: str
    precision: Precision = Precision.FP32
    options: dict[str, Value] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name of this request's job and log: "coreml-fp16"."""
        return f"{self.target}-{self.precision}"


@dataclass(frozen=True)
class VerificationRequest:
    """How artifacts are judged.

    Attributes:
        samples: of real pictures at most; noise, constants and extremes are added.
        seconds: time budget of the original's runs and of each artifact's; at least four samples are run.
        images: folder of face crops, "" for the built-in pictures.
    """

    samples: int = DEFAULT_SAMPLES
    seconds: float = DEFAULT_SECONDS
    images: str = ""


@dataclass(frozen=True)
class Recipe:
    """Source, steps and targets.

    Attributes:
        source: path of the model, "demo", or "file.py:factory". Whether it is trusted is never part of a recipe.
        source_sha256: of the source when the recipe was written, "" for any.
        shapes: fixed sizes of inputs with dynamic axes.
        steps: in order.
        targets: the files to make.
        verification: how they are judged.
    """

    source: str
    source_sha256: str = ""
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    steps: tuple[StepRequest, ...] = ()
    targets: tuple[TargetRequest, ...] = ()
    verification: VerificationRequest = field(default_factory=VerificationRequest)

    @property
    def is_quantized(self) -> bool:
        """Whether one of its steps makes Encodings."""
        return any(step.step in QUANTIZING_STEPS for step in self.steps)

    def with_quantization(self) -> Recipe:
        """Return this recipe with a step that makes Encodings at its end, where a target wants them and none does."""
        wants = any(target.precision is Precision.INT8 for target in self.targets)
        if not wants or self.is_quantized:
            return self
        return replace(self, steps=(*self.steps, StepRequest("quantize")))

    def to_json(self) -> dict[str, Any]:
        """Return plain data that `from_json` reads."""
        return {
            "version": RECIPE_VERSION,
            "source": {
                "path": self.source,
                "sha256": self.source_sha256,
                "shapes": {name: list(shape) for name, shape in self.shapes.items()},
            },
            "steps": [asdict(step) for step in self.steps],
            "targets": [asdict(target) for target in self.targets],
            "verification": asdict(self.verification),
        }

    @classmethod
    def from_json(cls, data: object) -> Recipe:
        """Read a recipe's plain data.

        Raises:
            UsageError: a wrong type, an unknown key (with the nearest known one), or a newer version.
        """
        top = _mapping(data, "The recipe", ("version", "source", "steps", "targets", "verification"), ("version",))
        if top["version"] != RECIPE_VERSION:
            raise UsageError(
                f"The recipe has version {top['version']!r}, this program reads version {RECIPE_VERSION}.",
                "",
                "Use the program version that wrote it, or write it anew.",
            )
        source = _mapping(top.get("source", {}), "source", ("path", "sha256", "shapes"))
        judged = _mapping(top.get("verification", {}), "verification", ("samples", "seconds", "images"))
        return cls(
            source=_typed(source.get("path", ""), str, "source.path"),
            source_sha256=_typed(source.get("sha256", ""), str, "source.sha256"),
            shapes={
                name: _shape(shape, f"source.shapes.{name}")
                for name, shape in _mapping(source.get("shapes", {}), "source.shapes").items()
            },
            steps=tuple(_step(item, f"steps[{place}]") for place, item in enumerate(_list(top, "steps"))),
            targets=tuple(_target(item, f"targets[{place}]") for place, item in enumerate(_list(top, "targets"))),
            verification=VerificationRequest(
                samples=_at_least(_typed(judged.get("samples", DEFAULT_SAMPLES), int, "verification.samples"), 1),
                seconds=_seconds(judged.get("seconds", DEFAULT_SECONDS)),
                images=_typed(judged.get("images", ""), str, "verification.images"),
            ),
        )

    @classmethod
    def read(cls, path: Path) -> Recipe:
        """Read a recipe file.

        Raises:
            BadInputError: it cannot be read, or is no JSON.
            UsageError: as `from_json` does.
        """
        try:
            text = path.read_text(encoding="utf-8")
            # Python's own guard against deep nesting is not enough: some libraries raise the recursion limit.
            if text.count("[") + text.count("{") > _MOST_BRACKETS:
                raise ValueError("it has too many brackets for a recipe")
            data = json.loads(text)
        except OSError as error:
            raise BadInputError(f"The recipe {path.name} cannot be read.", f"{error.strerror}.") from error
        except (ValueError, RecursionError) as error:
            raise BadInputError(f"The recipe {path.name} is no JSON.", f"{error}.") from error
        return cls.from_json(data)

    def with_source(self, source: str) -> Recipe:
        """Return this recipe for another model."""
        return replace(self, source=source, source_sha256="")


def _mapping(data: object, where: str, known: tuple[str, ...] = (), needed: tuple[str, ...] = ()) -> Mapping[str, Any]:
    if not isinstance(data, dict):
        raise UsageError(f"{where} must be an object, not {type(data).__name__}.")
    for key in data:
        if known and key not in known:
            raise UsageError(f"{where} has an unknown key {key!r}.", "", did_you_mean(key, known))
    for key in needed:
        if key not in data:
            raise UsageError(f"{where} lacks the key {key!r}.")
    return data


def _typed(value: Any, kind: Any, where: str) -> Any:
    if not isinstance(value, kind) or isinstance(value, bool):
        raise UsageError(f"{where} cannot be {value!r}.")
    return value


def _seconds(value: object) -> float:
    number = _typed(value, (int, float), "verification.seconds")
    if not 0 <= number <= _MOST_SECONDS:
        raise UsageError(f"verification.seconds must lie between 0 and {_MOST_SECONDS}.")
    return float(number)


def _at_least(value: int, least: int) -> int:
    if value < least:
        raise UsageError(f"verification.samples must be at least {least}, not {value}.")
    return value


def _list(data: Mapping[str, Any], key: str) -> list[Any]:
    value: list[Any] = _typed(data.get(key, []), list, key)
    return value


def _shape(value: object, where: str) -> tuple[int, ...]:
    if isinstance(value, list) and value and all(isinstance(size, int) and size > 0 for size in value):
        return tuple(value)
    raise UsageError(f"{where} must be a list of positive whole numbers, not {value!r}.")


def _options(data: Mapping[str, Any], where: str) -> dict[str, Value]:
    options = _mapping(data.get("options", {}), f"{where}.options")
    for name, value in options.items():
        if not isinstance(value, bool | int | float | str):
            raise UsageError(f"{where}.options.{name} cannot be {value!r}.")
    return dict(options)


def _step(data: object, where: str) -> StepRequest:
    item = _mapping(data, where, ("step", "options"), ("step",))
    return StepRequest(_typed(item["step"], str, f"{where}.step"), _options(item, where))


def _target(data: object, where: str) -> TargetRequest:
    item = _mapping(data, where, ("target", "precision", "options"), ("target",))
    return TargetRequest(
        target=_typed(item["target"], str, f"{where}.target"),
        precision=parse_precision(item.get("precision", "fp32"), where),
        options=_options(item, where),
    )


def parse_precision(text: object, where: str) -> Precision:
    """Return the precision written as `text`; UsageError with the nearest known one otherwise."""
    if text in list(Precision):
        return Precision(str(text))
    raise UsageError(f"{where}: there is no precision {text!r}.", "", did_you_mean(str(text), list(Precision)))
