"""The original's results on the verification samples, kept on disk so that every target's worker can read them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from converters.errors import UnsupportedError
from converters.measure.parity import ROUNDINGS, Sample, SampleKind, Verification, compare_output, spans
from converters.progress import Progress
from converters.runtimes.base import Array, Arrays, Session

LEAST_SAMPLES = 4
_INDEX_FILE = "index.json"


@dataclass(frozen=True)
class ReferenceResult:
    """One sample and what the original makes of it."""

    sample: Sample
    results: Arrays
    responses: dict[str, Arrays]
    """By precision: the results on the input rounded to it; for constant and extreme samples only."""


def write_references(
    session: Session,
    samples: list[Sample],
    folder: Path,
    seconds: float,
    progress: Progress,
    precisions: Sequence[str] = (),
) -> list[str]:
    """Run the original on the samples and keep feeds and results in `folder`.

    Args:
        session: the original.
        samples: in order of importance.
        folder: made if missing.
        seconds: budget; at least `LEAST_SAMPLES` samples are run, whatever they take.
        progress: told after every sample.
        precisions: for which the original's own response to rounding is measured, on constant and extreme samples.

    Returns:
        The names of the samples that were run.

    Raises:
        UnsupportedError: the original itself gives NaN or infinite values on a usual sample.
    """
    folder.mkdir(parents=True, exist_ok=True)
    names: list[dict[str, str]] = []
    start = time.monotonic()
    for place, sample in enumerate(samples):
        if place >= LEAST_SAMPLES and time.monotonic() - start > seconds:
            break
        progress("Running the original", place / len(samples), sample.name)
        results = session.run(sample.feeds)
        usual = sample.kind in (SampleKind.REAL, SampleKind.RANDOM)
        broken = [name for name, array in results.items() if usual and not np.all(np.isfinite(array))]
        if broken:
            raise UnsupportedError(
                f"The original itself gives values that are not finite in {', '.join(broken)} on {sample.name}.",
                "Its weights are damaged, or it wants other inputs than its signature says.",
                "Try it in ONNX Runtime on a picture of your own.",
            )
        arrays = {f"feed:{name}": array for name, array in sample.feeds.items()}
        arrays |= {f"result:{name}": array for name, array in results.items()}
        for precision in () if usual else precisions:
            response = session.run(_rounded(sample.feeds, ROUNDINGS[precision]))
            arrays |= {f"response:{precision}:{name}": array for name, array in response.items()}
        np.savez(folder / f"{place}.npz", allow_pickle=False, **arrays)
        names.append({"name": sample.name, "kind": sample.kind})
    (folder / _INDEX_FILE).write_text(json.dumps(names), encoding="utf-8")
    return [item["name"] for item in names]


def read_references(folder: Path) -> Iterator[ReferenceResult]:
    """Yield what `write_references` kept, in its order."""
    for place, item in enumerate(json.loads((folder / _INDEX_FILE).read_text(encoding="utf-8"))):
        with np.load(folder / f"{place}.npz", allow_pickle=False) as arrays:
            feeds = {key[5:]: arrays[key] for key in arrays.files if key.startswith("feed:")}
            results = {key[7:]: arrays[key] for key in arrays.files if key.startswith("result:")}
            responses: dict[str, Arrays] = {}
            for key in arrays.files:
                if key.startswith("response:"):
                    _, precision, name = key.split(":", 2)
                    responses.setdefault(precision, {})[name] = arrays[key]
        yield ReferenceResult(Sample(item["name"], SampleKind(item["kind"]), feeds), results, responses)


def _rounded(feeds: Arrays, rounding: float) -> Arrays:
    """Return feeds moved at random by up to `rounding` of their largest value (at least of 1: a black picture's
    features round too), as arithmetic of less precision does.
    """
    generator = np.random.default_rng(0)

    def moved(array: Array) -> Array:
        if array.dtype.kind != "f":
            return array
        values = array.astype(np.float64)
        step = rounding * float(np.abs(values).max(initial=1.0))
        return np.asarray(values + generator.uniform(-step, step, array.shape), dtype=array.dtype)

    return {name: moved(array) for name, array in feeds.items()}


def verify(session: Session, folder: Path, precision: str, seconds: float, progress: Progress) -> Verification:
    """Judge an opened artifact by the original's results in `folder`.

    Args:
        session: the artifact, freshly opened.
        folder: from `write_references`.
        precision: whose limits apply.
        seconds: budget; at least `LEAST_SAMPLES` samples are run, whatever they take.
        progress: told after every sample.
    """
    references = list(read_references(folder))
    span = spans([(reference.sample.kind, reference.results) for reference in references])
    differences = []
    samples = 0
    start = time.monotonic()
    for reference in references:
        if samples >= LEAST_SAMPLES and time.monotonic() - start > seconds:
            break
        progress("Verifying", samples / len(references), reference.sample.name)
        results = session.run(reference.sample.feeds)
        samples += 1
        for name, wanted in reference.results.items():
            response = reference.responses.get(precision, {}).get(name)
            differences.append(
                compare_output(reference.sample, name, wanted, results[name], span.get(name, 0.0), precision, response)
            )
    progress("Verifying", 1.0)
    notes = []
    if samples < len(references):
        notes.append(f"{samples} of {len(references)} samples were run, then the {seconds:.0f} s for it were over.")
    values = sum(difference.count for difference in differences)
    return Verification(precision, tuple(differences), samples, values, tuple(notes))
