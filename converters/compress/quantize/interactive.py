"""What the worker that calibrates beside a person can be asked to do: plain data in and out, pictures as PNG files.

Opening takes seconds; what follows uses what the worker keeps in memory and takes a fraction of one. A worker that
crashed is replaced by one that knows nothing: it makes everything anew, with the observations from the cache.

All take "source", "shapes", "trust", "sha256", "steps" (those before the step quantize, plain data), "options" (of
the step quantize; those left out have their defaults) and "folder" (private, for pictures).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from converters.cache import cache_folder
from converters.compress.quantize.interactive_request import Asked
from converters.progress import Progress

if TYPE_CHECKING:
    from converters.compress.quantize.interactive_state import Desk

Data = dict[str, Any]
_desks: list[Desk] = []
_NO_SAMPLE: Mapping[str, Any] = {
    "original": "",
    "quantized": "",
    "sample": "",
    "loss": None,
    "seconds": {"build": 0.0, "run": 0.0, "judge": 0.0},
}


def calibration_open(arguments: Mapping[str, Any], progress: Progress) -> Data:
    """Prepare the model, read and observe the calibration set.

    Returns:
        "origin", "count", "samples" (name, thumbnail and coverage figures of each, at most `MOST_LISTED`),
        "coverage" (sentences, remarks, counts), "layers", "totals", "draws" (whether the model draws pictures),
        "notes", "seconds".

    Raises:
        StudioError: the model or the calibration cannot be used, or the options make no sense.
    """
    from converters.compress.quantize.interactive_data import layers_and_totals, listed_samples

    start = time.perf_counter()
    asked = Asked.of(arguments)
    desk = _desk()
    calibrated = desk.calibrated(asked, progress, is_fresh=True)
    samples = listed_samples(calibrated, asked.folder, progress)
    encodings, notes = desk.encodings(asked, progress)
    covered = calibrated.coverage.to_json()
    del covered["samples"]
    return {
        "origin": calibrated.calibration.origin,
        "count": len(calibrated.calibration),
        "samples": samples,
        "coverage": covered,
        **layers_and_totals(calibrated, encodings),
        "draws": desk.preview(asked, progress).draws,
        "notes": list(dict.fromkeys([*calibrated.notes, *notes])),
        "seconds": time.perf_counter() - start,
    }


def calibration_histogram(arguments: Mapping[str, Any], progress: Progress) -> Data:
    """Say what was seen of one tensor, and which ranges it could have.

    Args:
        arguments: with "tensor", its name.
        progress: told about stages where something has to be made anew.

    Returns:
        "low", "high" (of all bins together), "counts" (at most 256 bins), "zeros" (values that are exactly 0; they are
        in the counts too), "observed" (lowest and highest value), "range" (what its codes cover), "policies" (the range
        of each), "is_by_hand", "encoding" (None where no layer rounds it), "readers", "writers" (layers).

    Raises:
        UsageError: no layer reads or writes such a tensor.
    """
    from converters.compress.quantize.interactive_data import histogram_data

    asked = Asked.of(arguments)
    desk = _desk()
    encodings, _ = desk.encodings(asked, progress)
    return histogram_data(desk.calibrated(asked, progress), encodings, asked.settings, str(arguments["tensor"]))


def calibration_preview(arguments: Mapping[str, Any], progress: Progress) -> Data:
    """Show what the options make of one sample, of live frames, or of both.

    Args:
        arguments: with "sample", its place in the set; None for no sample. With "model" true the quantized model is
            written for whoever runs it on live frames.
        progress: told about stages where something has to be made anew.

    Returns:
        "original", "quantized" (paths of PNGs; for models that draw nothing "original" shows what goes in and
        "quantized" is ""), "sample" (its name), "loss" ("measure" and figures, None for what does not apply),
        "layers", "totals", "notes", "seconds" ("build", "run", "judge", "total"). Without a sample "original" and
        "quantized" are "", "sample" is "", "loss" None, "run" and "judge" 0. "model": path of the quantized model, ""
        where nobody asked; those before it are removed, but for the last two.
    """
    from converters.compress.quantize.interactive_data import layers_and_totals

    start = time.perf_counter()
    asked = Asked.of(arguments)
    desk = _desk()
    calibrated = desk.calibrated(asked, progress)
    encodings, notes = desk.encodings(asked, progress)
    preview = desk.preview(asked, progress)
    model = preview.files.written(encodings, asked.folder) if arguments.get("model") else ""
    encoded = time.perf_counter() - start
    place = arguments["sample"]
    shown = dict(_NO_SAMPLE) if place is None else preview.show(int(place), encodings, asked.folder)
    seconds = dict(shown.pop("seconds"))
    seconds["build"] += encoded
    return {
        **shown,
        "model": model,
        **layers_and_totals(calibrated, encodings),
        "notes": [*notes, *asked.left_out],
        "seconds": {**seconds, "total": time.perf_counter() - start},
    }


def calibration_blame(arguments: Mapping[str, Any], progress: Progress) -> Data:
    """Measure what each layer loses when it alone is quantized, and wins back when it alone is not; takes long.

    Returns:
        "blame" (as `BlameMap.to_json`), "loss" (of all layers together), "layers", "totals".
    """
    from converters.compress.quantize.interactive_analysis import blamed

    return blamed(Asked.of(arguments), cache_folder(), progress)


def calibration_budget(arguments: Mapping[str, Any], progress: Progress) -> Data:
    """Choose the scheme of each layer so that no more than a budget is lost; takes long.

    Args:
        arguments: with "budget", above 0.
        progress: told about every measurement; may cancel.

    Returns:
        "mixed" (as `MixedResult.to_json`, with "rules"), "options" (those of the step that follow what was found),
        "loss", "layers", "totals".
    """
    from converters.compress.quantize.interactive_analysis import searched

    return searched(Asked.of(arguments), float(arguments["budget"]), cache_folder(), progress)


def calibration_grab(arguments: Mapping[str, Any], progress: Progress) -> Data:
    """Take pictures with a camera.

    Args:
        arguments: "camera" (its number, from 0), "pictures" (how many), "seconds" (over how long), "folder" (where to;
            made if missing).
        progress: told about every picture; may cancel.

    Returns:
        "files": their paths.

    Raises:
        BadInputError: no such camera, or it gives no picture.
    """
    from converters.compress.quantize.interactive_camera import grab

    return {"files": [str(path) for path in grab(arguments, progress)]}


def _desk() -> Desk:
    from converters.compress.quantize.interactive_state import Desk

    if not _desks:
        _desks.append(Desk(cache_folder()))
    return _desks[0]


def forget() -> None:
    """Give up all that is kept in memory, as a crash does."""
    while _desks:
        _desks.pop().close()
