"""The recipe step `quantize`: Encodings by calibration."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from converters.cache import cache_folder
from converters.compress.base import Step, StepResult
from converters.compress.quantize.settings import PARAMETERS, settings_from
from converters.model.graph import Model
from converters.parameters import Parameter, Value
from converters.progress import Progress

if TYPE_CHECKING:
    from converters.compress.quantize.quantizing import Request

CALIBRATION: tuple[Parameter, ...] = (
    Parameter(
        "calibration",
        "",
        "What ranges are measured on: photographs, face crops, a video, an .npz or a folder; empty: built-in crops; "
        "several places: one a line.",
    ),
    Parameter("samples", 64, "Calibration samples at most.", minimum=1, maximum=100_000),
)
METHODS: tuple[Parameter, ...] = (
    Parameter("equalize", False, "Even out the ranges of channels between neighbouring layers (exact)."),
    Parameter("correct_biases", False, "Take the mean error of each layer out by its biases."),
    Parameter("adaround", False, "Round weights so that each layer's output stays near; seconds a layer."),
    Parameter(
        "budget",
        0.0,
        "LPIPS that may be lost on average (mean difference for models that draw nothing), and twice that at 95 %: "
        "layers get more precise schemes until 16 calibration samples keep it with 5 % to spare; 0 for none.",
        minimum=0,
        maximum=1,
    ),
    Parameter("blame", False, "Measure what each layer loses when it alone is quantized, and wins back when not."),
)


def request_from(options: dict[str, Value]) -> Request:
    """Return what a step's complete options ask for beside the settings."""
    from converters.compress.quantize.quantizing import Request

    return Request(
        calibration=str(options["calibration"]),
        samples=int(options["samples"]),
        equalize=bool(options["equalize"]),
        correct_biases=bool(options["correct_biases"]),
        adaround=bool(options["adaround"]),
        budget=float(options["budget"]),
        blame=bool(options["blame"]),
        cache=cache_folder(),
    )


class Quantize(Step):
    """Give a Model Encodings; its graph stays float, with batch normalisations folded into the layers."""

    name: ClassVar[str] = "quantize"
    title: ClassVar[str] = "Quantizing"
    parameters: ClassVar[tuple[Parameter, ...]] = (*CALIBRATION, *PARAMETERS, *METHODS)

    def _run(self, model: Model, options: dict[str, Value], progress: Progress) -> StepResult:
        from converters.compress.quantize.quantizing import quantize

        done = quantize(model, settings_from(options), request_from(options), progress)
        searched = [done.mixed.sentence] if done.mixed else []
        return StepResult(done.model, True, (done.data["loss"]["sentence"], *searched, *done.notes), done.data)
