"""Quantize a Model, read from top to bottom: fold, calibrate, observe, encode, choose schemes, correct, judge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from converters.compress.quantize.bias import correct_biases
from converters.compress.quantize.blame import BlameMap, blame, title_of
from converters.compress.quantize.calibration import CalibrationSet, calibration_set
from converters.compress.quantize.coverage import coverage
from converters.compress.quantize.encode import encode
from converters.compress.quantize.encodings import Encodings, Floats
from converters.compress.quantize.equalize import Equalized, equalize
from converters.compress.quantize.fold import fold_batch_norm
from converters.compress.quantize.judge import Judge, Loss
from converters.compress.quantize.layers import find_layers, with_replaced
from converters.compress.quantize.mixed import FOR_ALL_TARGETS, Budget, MixedResult, mixed_precision
from converters.compress.quantize.observe import Observations, observe
from converters.compress.quantize.qdq import build_qdq
from converters.compress.quantize.report import layers_data
from converters.compress.quantize.settings import QuantizeSettings, rules_text
from converters.compress.quantize.switching import INTEGER
from converters.errors import UnsupportedError
from converters.model.graph import Model
from converters.progress import Progress
from converters.runtimes.base import Arrays

JUDGED = 16
"""Samples that the loss is measured on."""
_CORRECTED = 8
"""Samples that equalization, bias correction and rounding look at; their feeds are in memory together."""


@dataclass(frozen=True)
class Request:
    """What is asked for beside the settings.

    Attributes:
        calibration: where the samples come from, "" for the built-in crops.
        samples: how many at most.
        equalize: whether the ranges of channels are evened out between neighbouring layers.
        correct_biases: whether mean errors are taken out by the biases.
        adaround: whether weights are rounded so that each layer's output stays near, instead of to the nearest code.
        budget: the loss to stay within by automatic mixed precision; 0 for none.
        blame: whether every layer's part in the loss is measured.
        cache: folder where observations and unfinished work are kept; None for nowhere.
    """

    calibration: str = ""
    samples: int = 64
    equalize: bool = False
    correct_biases: bool = False
    adaround: bool = False
    budget: float = 0.0
    blame: bool = False
    cache: Path | None = None


@dataclass(frozen=True)
class Quantized:
    """A Model with Encodings, and everything that was found out on the way.

    Attributes:
        model: folded, with Encodings.
        calibration: what it was shown.
        observations: what was seen.
        loss: against the float model, on some of the calibration samples.
        blame: None where it was not asked for.
        mixed: None where there was no budget.
        data: plain data of all this for reports.
        notes: sentences.
    """

    model: Model
    calibration: CalibrationSet
    observations: Observations
    loss: Loss
    blame: BlameMap | None
    mixed: MixedResult | None
    data: dict[str, Any]
    notes: tuple[str, ...]


def quantize(given: Model, settings: QuantizeSettings, request: Request, progress: Progress) -> Quantized:
    """Return a Model with Encodings.

    Args:
        given: float, static; left unchanged.
        settings: schemes, policy, rules, ranges by hand.
        request: the rest.
        progress: told about stages; may cancel.

    Raises:
        StudioError: the calibration cannot be used, a rule names no layer, or the model has no layers with weights.
    """
    model = prepared(given, progress)
    calibration = calibration_set(model, request.calibration, request.samples, progress)
    uses_few = request.equalize or request.correct_biases or request.adaround
    few = _few(calibration) if uses_few else []
    notes = list(calibration.notes)

    equalized: Mapping[str, Floats] = {}
    if request.equalize:
        found = equalize(model, few, progress)
        equalized = found.replaced
        notes += found.notes
    shown = replace(model, proto=with_replaced(model.proto, Encodings({}, equalized))) if equalized else model
    observations = observe(shown, calibration, request.cache, progress)
    notes += observations.notes
    covered = coverage(calibration, observations, progress)
    encodings, remarks = encode(model, observations, settings, equalized)
    notes += remarks

    with Judge(model, _judged(calibration), progress=progress) as judge:
        mixed = None
        if request.budget:
            mixed = _searched(judge, encodings, settings, request, progress)
            # Made anew, because the range that suits a tensor depends on its bits.
            chosen = replace(settings, layers=mixed.rules, families_defaults=False)
            encodings, remarks = encode(model, observations, chosen, equalized)
            notes += remarks
        # Before anything is corrected: corrected values belong to a layer's scheme, and blame gives it other ones.
        blamed = blame(judge, encodings, folder=request.cache, progress=progress) if request.blame else None
        encodings, corrections = _corrected(model, encodings, equalized, few, request, progress)
        notes += corrections
        encodings = replace(encodings, origin=calibration.origin)
        progress("Measuring what quantization loses")
        loss = judge.judge(build_qdq(model, encodings), progress=progress)
        mixed = mixed.judged(encodings, loss) if mixed else None
        notes += judge.notes
    if not set(encodings.schemes) & set(INTEGER):
        notes.append("No layer computes in integers: a file of this is smaller at best, not faster.")
    quantized = replace(model, encodings=encodings)
    sentences = tuple(dict.fromkeys(notes))
    data: dict[str, Any] = {
        "origin": calibration.origin,
        "samples": len(calibration),
        "layers": layers_data(quantized, observations),
        "loss": {**loss.to_json(), "sentence": _in_words(loss)},
        "coverage": covered.to_json(),
        "mixed": {**mixed.to_json(), "rules": rules_text(mixed.rules)} if mixed else None,
        "blame": blamed.to_json() if blamed else None,
        "notes": list(sentences),
    }
    return Quantized(quantized, calibration, observations, loss, blamed, mixed, data, sentences)


def prepared(given: Model, progress: Progress) -> Model:
    """Return a model with its batch normalisations folded, ready to be observed.

    Raises:
        UnsupportedError: it has no layers with constant weights.
    """
    progress("Preparing the graph for quantization")
    model = fold_batch_norm(given)
    if not find_layers(model.proto):
        raise UnsupportedError(
            "This model has no layers that can be quantized.",
            "None of its convolutions and matrix products has constant weights.",
            "Convert it as fp16.",
        )
    return model


def evened_out(model: Model, calibration: CalibrationSet, progress: Progress) -> Equalized:
    """Return weights whose channels' ranges are evened out, as `quantize` does it."""
    return equalize(model, _few(calibration), progress)


def _searched(
    judge: Judge, encodings: Encodings, settings: QuantizeSettings, request: Request, progress: Progress
) -> MixedResult:
    """Return what a search makes of Encodings: what a person or a family asks for only gives way to what loses less."""
    return mixed_precision(
        judge,
        encodings,
        Budget(request.budget),
        allowed=tuple(dict.fromkeys((*FOR_ALL_TARGETS, settings.scheme))),
        least={name: layer.scheme for name, layer in encodings.layers.items()},
        block=settings.weight_block,
        folder=request.cache,
        progress=progress,
    )


def _corrected(
    model: Model,
    encodings: Encodings,
    equalized: Mapping[str, Floats],
    few: Sequence[Arrays],
    request: Request,
    progress: Progress,
) -> tuple[Encodings, list[str]]:
    """Return Encodings with weights rounded and biases corrected as asked for, and what was done in sentences."""
    notes: list[str] = []
    if request.adaround:
        from converters.compress.quantize.rounding import round_adaptively  # imports torch

        rounded = round_adaptively(model, encodings, few, progress, equalized=equalized, folder=request.cache)
        encodings = replace(encodings, replaced={**encodings.replaced, **rounded.replaced})
        notes += rounded.notes
    if request.correct_biases:
        corrected = correct_biases(model, encodings, few, progress, equalized)
        encodings = replace(encodings, replaced={**encodings.replaced, **corrected.replaced})
        notes += corrected.notes
    return encodings, notes


def _spread(count: int, most: int) -> list[int]:
    """Return at most so many places, spread evenly over a set."""
    wanted = min(count, most)
    return [place * count // wanted for place in range(wanted)]


def _few(calibration: CalibrationSet) -> list[Arrays]:
    return [calibration.make(place).feeds for place in _spread(len(calibration), _CORRECTED)]


def _judged(calibration: CalibrationSet) -> list[Arrays]:
    return [calibration.make(place).feeds for place in _spread(len(calibration), JUDGED)]


def _in_words(loss: Loss) -> str:
    title = title_of(loss.measure)
    return (
        f"Against the float model, on {loss.samples} of the calibration samples: {title} {loss.mean:.4f} on average, "
        f"{loss.p95:.4f} at 95 %, PSNR {loss.psnr:.1f} dB."
    )
