"""What the interactive calibration tells, as plain data: samples, layers, sums, histograms."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from converters.compress.quantize.calibration import CalibrationSample
from converters.compress.quantize.coverage_figures import TEMPLATE, shrunk
from converters.compress.quantize.encode import encoding_of
from converters.compress.quantize.encodings import Encoding, Encodings, Scheme
from converters.compress.quantize.histogram import Histogram
from converters.compress.quantize.interactive_state import Calibrated
from converters.compress.quantize.policies import Policy, range_of
from converters.compress.quantize.report import integer_share, layers_data
from converters.compress.quantize.settings import QuantizeSettings
from converters.compress.quantize.switching import LayerCost
from converters.destination import destination_errors
from converters.errors import UsageError, did_you_mean
from converters.face.faces import Picture
from converters.model.graph import Model
from converters.pictures import encoded_picture
from converters.progress import Progress

MOST_LISTED = 400
"""Samples of which thumbnails are made."""
MOST_BINS = 256
_SIDE = 96
"""Pixels of the longer side of a thumbnail."""


def listed_samples(calibrated: Calibrated, folder: Path, progress: Progress) -> list[dict[str, Any]]:
    """Return name, coverage figures and a thumbnail's path ("" where there is no picture) of each sample.

    Args:
        calibrated: with the set.
        folder: made if missing; thumbnails that are there already are not made again.
        progress: told about every picture; may cancel.
    """
    figures = calibrated.coverage.to_json()["samples"]
    count = min(len(calibrated.calibration), MOST_LISTED)
    listed = []
    with destination_errors(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for place in range(count):
            progress("Making thumbnails", place / count)
            sample = calibrated.calibration.make(place)
            listed.append({**figures[place], "name": sample.name, "thumbnail": _thumbnail(sample, folder)})
    return listed


def _thumbnail(sample: CalibrationSample, folder: Path) -> str:
    picture = _small(sample)
    if picture is None:
        return ""
    name = hashlib.sha256(picture.tobytes()).hexdigest()[:24]
    path = folder / f"thumbnail-{name}.png"
    if not path.is_file():
        unfinished = folder / f".{path.name}.part"
        unfinished.write_bytes(encoded_picture(picture, ".png"))
        unfinished.replace(path)
    return os.fspath(path)


def _small(sample: CalibrationSample) -> Picture | None:
    import cv2

    if sample.picture is None:
        return None
    if sample.points is not None:
        return sample.face(TEMPLATE, _SIDE)
    picture = shrunk(sample.picture)
    height, width = picture.shape[:2]
    scale = min(_SIDE / max(height, width), 1.0)
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    return np.ascontiguousarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def layers_and_totals(calibrated: Calibrated, encodings: Encodings) -> dict[str, Any]:
    """Return "layers" and "totals" of a calibrated model under some Encodings."""
    quantized = replace(calibrated.prepared.model, encodings=encodings)
    layers = layers_data(quantized, calibrated.observations, calibrated.prepared.costs)
    return described(quantized, layers, calibrated.prepared.costs)


def described(model: Model, layers: list[dict[str, Any]], costs: Mapping[str, LayerCost]) -> dict[str, Any]:
    """Return "layers", each with the tensors it reads and writes, and "totals": bytes and work of all together."""
    told = []
    for item in layers:
        cost = costs[item["name"]]
        told.append(
            {
                **item,
                "float_bytes": cost.bytes(Scheme.FLOAT),
                "reads": cost.layer.input,
                "writes": cost.layer.output,
            }
        )
    float_bytes = sum(int(item["float_bytes"]) for item in told)
    totals = {
        "bytes": sum(int(item["bytes"]) for item in told),
        "float_bytes": float_bytes,
        "other_bytes": max(model.parameter_bytes - float_bytes, 0),
        "integer_share": integer_share(layers),
        "schemes": {
            str(scheme): count for scheme in Scheme if (count := sum(item["scheme"] == scheme for item in layers))
        },
    }
    return {"layers": told, "totals": totals}


def histogram_data(
    calibrated: Calibrated, encodings: Encodings, settings: QuantizeSettings, tensor: str
) -> dict[str, Any]:
    """Return what `calibration_histogram` tells.

    Raises:
        UsageError: no layer reads or writes that tensor.
    """
    seen = calibrated.observations.tensors.get(tensor)
    if seen is None:
        known = calibrated.observations.tensors
        raise UsageError(f"No layer reads or writes a tensor {tensor!r}.", "", did_you_mean(tensor, known))
    layers = [cost.layer for cost in calibrated.prepared.costs.values()]
    readers = [layer.name for layer in layers if layer.input == tensor]
    writers = [layer.name for layer in layers if layer.output == tensor]
    encoding = _encoding_of(encodings, readers, writers)
    bits = encoding.bits if encoding else 8
    policies = {
        policy.value: _plain(*range_of(seen, policy, settings.percentile, bits, settings.symmetric), bits, settings)
        for policy in Policy
    }
    by_hand = settings.ranges.get(tensor)
    chosen = _plain(*by_hand, bits, settings) if by_hand else policies[settings.policy.value]
    low, high, counts = _bins(seen.histogram)
    return {
        "tensor": tensor,
        "low": low,
        "high": high,
        "counts": counts,
        "zeros": int(seen.histogram.zeros),
        "observed": [seen.low, seen.high],
        "range": chosen,
        "policies": policies,
        "policy": settings.policy.value,
        "is_by_hand": by_hand is not None,
        "encoding": None if encoding is None else dict(vars(encoding)),
        "readers": readers,
        "writers": writers,
    }


def _encoding_of(encodings: Encodings, readers: list[str], writers: list[str]) -> Encoding | None:
    ends = [encodings.layers[name].input for name in readers] + [encodings.layers[name].output for name in writers]
    return next((end for end in ends if end is not None), None)


def _plain(low: float, high: float, bits: int, settings: QuantizeSettings) -> list[float]:
    """Return the range that codes really cover: with 0 in it, and symmetric where asked for."""
    encoding = encoding_of(low, high, bits, settings.symmetric)
    return [encoding.low, encoding.high]


def _bins(histogram: Histogram) -> tuple[float, float, list[int]]:
    """Return lower end, upper end and counts of at most `MOST_BINS` bins that hold everything."""
    counts, first = histogram.cropped()
    if not len(counts):
        return 0.0, 1.0, [0]
    together = -(-len(counts) // MOST_BINS)
    missing = -len(counts) % together
    merged = np.concatenate([counts, np.zeros(missing, counts.dtype)]).reshape(-1, together).sum(axis=1)
    low = float(histogram.edges[first])
    return low, low + len(merged) * together * histogram.width, [int(count) for count in merged]
