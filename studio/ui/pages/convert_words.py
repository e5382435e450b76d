"""What the Convert page says: precisions, forecasts, verdicts and what to try."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from converters.parameters import Value
from converters.precision import Precision
from converters.recipe import Recipe
from studio.ui.amounts import seconds_text, share_text, size_text
from studio.ui.texts import tr

_SCHEME_BYTES: Mapping[str, float] = {"float": 4.0, "w4": 0.5625}
_USUAL_SCHEME_BYTES = 1.0
_BYTES: Mapping[Precision, float] = {
    Precision.FP32: 4.0,
    Precision.FP16: 2.0,
    Precision.INT8_WEIGHTS: 1.0,
    Precision.INT8_DYNAMIC: 1.0,
    # a scale for some of the weights comes on top
    Precision.INT4_WEIGHTS: 0.5625,
}
_USUAL_PALETTE_BITS = 6


def precision_text(precision: str) -> str:
    """Return a precision as it is written on buttons and files' cards."""
    texts = {
        Precision.FP32: tr("fp32"),
        Precision.FP16: tr("fp16"),
        Precision.INT8_WEIGHTS: tr("int8 weights"),
        Precision.INT4_WEIGHTS: tr("int4 weights"),
        Precision.INT8_DYNAMIC: tr("int8 dynamic"),
        Precision.PALETTE: tr("palette"),
        Precision.INT8: tr("int8"),
    }
    return texts[Precision(precision)]


def precision_help(precision: Precision) -> str:
    """Return what a precision is, for its tooltip."""
    texts = {
        Precision.FP32: tr("Weights and arithmetic as in the original: the largest file, nothing is lost."),
        Precision.FP16: tr("16-bit numbers: half the size, and what phones' graphics chips compute with."),
        Precision.INT8_WEIGHTS: tr("Weights in 8 bits, arithmetic in float: a quarter of the size, no calibration."),
        Precision.INT4_WEIGHTS: tr("Weights in 4 bits, arithmetic in float: an eighth of the size, and coarse."),
        Precision.INT8_DYNAMIC: tr("Weights in 8 bits; what flows between layers is rounded as it comes."),
        Precision.PALETTE: tr("Each weight is one of a few values of its layer; arithmetic in fp16."),
        Precision.INT8: tr("Weights and what flows between layers in 8 bits, as calibrated on the page Quantize."),
    }
    return texts[precision]


def weight_bytes(recipe: Recipe, precision: Precision, options: Mapping[str, Value]) -> float:
    """Return the bytes of one weight in a file.

    Args:
        recipe: whose step quantize decides on int8.
        precision: of the file.
        options: of the target.
    """
    if precision is Precision.PALETTE:
        bits = options.get("palette_bits", _USUAL_PALETTE_BITS)
        return float(bits) / 8
    if precision is Precision.INT8:
        scheme = next((step.options.get("scheme") for step in recipe.steps if step.step == "quantize"), None)
        return _SCHEME_BYTES.get(str(scheme), _USUAL_SCHEME_BYTES)
    return _BYTES[precision]


def expected_size(
    cost: Mapping[str, Any], recipe: Recipe, target: str, precision: Precision, options: Mapping[str, Value]
) -> int:
    """Return about how many bytes a file will have: its weights; names and structure add little.

    Args:
        cost: of the inspection.
        recipe: as for `weight_bytes`.
        target: of the file; .onnx files keep matrices that only host programs read.
        precision: of the file.
        options: of the target.
    """
    unread = 4 * sum(cost["unused_parameters"].values()) if target == "onnx" else 0
    return int(cost["parameters"] * weight_bytes(recipe, precision, options)) + int(unread)


def size_forecast(sizes: Sequence[int], original: int, count_made: int, seconds: float | None) -> str:
    """Return what pressing the button will do to size and speed.

    Args:
        sizes: expected bytes of the files that will be made.
        original: bytes of the model.
        count_made: files that are there already.
        seconds: what the same files took before, None where that is not known.
    """
    sentences = []
    if sizes:
        smallest, largest = min(sizes), max(sizes)
        if len(sizes) == 1:
            sentences.append(
                tr(
                    "One file of about {size}, {share} of the original.",
                    size=size_text(largest),
                    share=_share(largest, original),
                )
            )
        else:
            sentences.append(
                tr(
                    "{count} files of about {smallest} to {largest}, {least} to {most} of the original.",
                    count=len(sizes),
                    smallest=size_text(smallest),
                    largest=size_text(largest),
                    least=_share(smallest, original),
                    most=_share(largest, original),
                )
            )
    if count_made:
        sentences.append(tr("Made and verified already: {count}.", count=count_made))
    if seconds is not None:
        sentences.append(tr("Making these took {time} last time.", time=seconds_text(seconds)))
    if sizes:
        sentences.append(
            tr(
                "How much faster they run, only the phone can say: smaller files are read sooner, and fp16 and int8 "
                "compute faster where its chips can."
            )
        )
    return " ".join(sentences)


def _share(size: int, original: int) -> str:
    return share_text(size / original) if original else "?"


def verdict_figures(report: Mapping[str, Any]) -> str:
    """Return how near a file is to the original: the largest difference, PSNR and the sample that did worst."""
    verification = report.get("verification") or {}
    worst = verification.get("worst")
    if not worst:
        return ""
    parts = []
    if worst["largest"] == 0:
        parts.append(tr("Equal to the original on every sample"))
    else:
        if worst["relative"] is not None:
            parts.append(tr("Largest difference {share} of the range", share=_percent(worst["relative"])))
        if worst["psnr"] is not None:
            parts.append(tr("PSNR {number} dB", number=f"{worst['psnr']:.1f}"))
        parts.append(tr("worst sample {sample} ({output})", sample=worst["sample"], output=worst["output"]))
    parts.append(tr("{count} samples", count=verification["samples"]))
    return " · ".join(parts)


def _percent(part: float) -> str:
    percent = 100 * part
    return f"{percent:.2g} %" if percent < 10 else f"{percent:.0f} %"


def complaint(report: Mapping[str, Any]) -> str:
    """Return why a file failed its verification, and at which layer it leaves the original; "" when it did not."""
    verification = report.get("verification") or {}
    worst = verification.get("worst")
    if verification.get("passed") or not worst:
        return ""
    sentences = [
        tr(
            "On {sample}, {output} {complaint}.",
            sample=worst["sample"],
            output=worst["output"],
            complaint=worst["complaint"],
        )
    ]
    if report.get("first_difference"):
        sentences.append(str(report["first_difference"]["sentence"]))
    return " ".join(sentences)


def what_to_try(target: str, precision: str) -> str:
    """Return what a failed verification means, and what to try."""
    meaning = tr("This file does not compute what the original does: do not ship it.")
    tries = {
        Precision.FP32: tr("Try another engine or layout under Options, or the rewrites that the page Model advises."),
        Precision.FP16: tr(
            "Some values may be too large for fp16: look at the fp16 scan on the page Model, or take fp32."
        ),
        Precision.INT8: tr(
            "Give the layers that lose most a more precise scheme, or leave them float, on the page Quantize."
        ),
        Precision.INT4_WEIGHTS: tr(
            "4 bits are too few here: take int8 weights, or smaller blocks where the target has them."
        ),
        Precision.PALETTE: tr("Take more palette bits under Options, or int8 weights."),
        Precision.INT8_WEIGHTS: tr("Take smaller blocks under Options where the target has them, or fp16."),
        Precision.INT8_DYNAMIC: tr("Take int8 weights, or int8 with calibrated ranges."),
    }
    advice = tries[Precision(precision)]
    if target == "coreml" and precision == Precision.FP16:
        advice = tr("{advice} Keep the statistics in fp32 under Options.", advice=advice)
    return f"{meaning} {advice}"


def notes_of(report: Mapping[str, Any]) -> list[str]:
    """Return every sentence that goes with a file, each once: of its making, its verification, its conversion."""
    conversion = report.get("conversion", {})
    risk = conversion.get("fp16_risk") or {}
    verification = report.get("verification") or {}
    sentences: Iterable[str] = (
        *report.get("notes", ()),
        *verification.get("notes", ()),
        *conversion.get("notes", ()),
        *(risk.get("problems", ()) if report.get("precision") != Precision.FP32 else ()),
    )
    return list(dict.fromkeys(str(sentence) for sentence in sentences))
