"""What worker processes do for a conversion, one function per stage; plain data in and out.

Each function is an operation of `converters.worker`: it takes the arguments of a request and a Progress, and returns
what goes back as JSON. Anything large stays in the staging folder that both sides know.
"""

from __future__ import annotations

import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from converters.builtin import DEMO_CROPS
from converters.destination import destination_errors
from converters.errors import StudioError
from converters.measure.parity import SampleKind
from converters.model.graph import GRAPH_FILE, Model, write_proto
from converters.progress import Progress
from converters.recipe import Recipe, TargetRequest
from converters.registry import exporter, step
from converters.targets.base import Precision

MODEL_FOLDER = "model"
REFERENCE_FOLDER = "reference"
QUANTIZED_FOLDER = "quantized"
QUANTIZED_REFERENCE_FOLDER = "quantized_reference"
HOST_MATRIX_FILE = "emap.npy"
LISTED_TENSORS = 20
_SCANNED_SAMPLES = 2
# Factors on the weights' size, measured on a 554 MB swapper; the constant is the libraries' own share.
_MEMORY_FACTOR = {"mnn": 4.0, "tflite": 4.5, "coreml": 5.5, "onnx": 4.0}
_MEMORY_CONSTANT = 1_200_000_000


def memory_estimate(model: Model, target: str) -> int:
    """Return the bytes that one target's worker is expected to need at its peak."""
    return int(_MEMORY_CONSTANT + _MEMORY_FACTOR[target] * model.parameter_bytes)


def inspect_source(arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Load a model and say what it is.

    Args:
        arguments: "source", "shapes", "trust", "sha256", as `load_source` takes them.
        progress: told about stages.

    Returns:
        "inspection": plain data; "text": the same for a terminal.
    """
    from converters.model.inspection import inspect
    from converters.model.inspection_text import as_text

    model = load_source(arguments, progress)
    progress("Examining the model")
    inspection = inspect(model)
    return {"inspection": inspection.to_json(), "text": as_text(inspection)}


def warm_target(arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Import what a target's export will need, while something else is still to be done.

    Args:
        arguments: "target".
        progress: told about the stage.
    """
    target = exporter(arguments["target"])
    progress(f"Loading libraries for {target.title}")
    if not target.unavailable():
        target.warm()
    return {}


def prepare(arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Load a model, apply the steps, say what speaks against each target, and keep the result in staging.

    Args:
        arguments: "recipe": plain data; "trust"; "staging": a private folder.
        progress: told about stages.

    Returns:
        "source", "family", "signature", "parameters" (bytes), "notes"; "steps": what each found out; "problems": for
        each target request the error that speaks against it, or None; "memory": for each target request the estimate
        in bytes.

    Raises:
        OtherContentsError: the source is not the one that the recipe was written for; found out before its code runs.
    """
    recipe = Recipe.from_json(arguments["recipe"])
    staging = Path(arguments["staging"])
    source = {"source": recipe.source, "sha256": recipe.source_sha256, "shapes": recipe.shapes}
    model = load_source({**source, "trust": arguments["trust"]}, progress)
    found = []
    for request in recipe.steps:
        result = step(request.step).run(model, request.options, progress)
        model = replace(result.model, notes=(*result.model.notes, *result.notes))
        found.append({"step": request.step, "changed": result.changed, "data": dict(result.data)})
    problems: dict[str, dict[str, str] | None] = {}
    for target in recipe.targets:
        try:
            exporter(target.target).check(model, target.precision, target.options)
            problems[target.name] = None
        except StudioError as error:
            problems[target.name] = error.to_json()
    progress("Staging the model")
    with destination_errors(staging.parent):
        model.save(staging / MODEL_FOLDER)
        if model.encodings is not None:
            from converters.compress.quantize.qdq import build_qdq

            write_proto(build_qdq(model), staging / QUANTIZED_FOLDER)
        has_host_matrix = _write_host_matrix(model, staging)
    return {
        "source": asdict(model.source),
        "family": model.family,
        "signature": model.signature.to_json(),
        "parameters": model.parameter_bytes,
        "host_matrix": has_host_matrix,
        "notes": list(model.notes),
        "steps": found,
        "problems": problems,
        "memory": {target.name: memory_estimate(model, target.target) for target in recipe.targets},
    }


def load_source(arguments: dict[str, Any], progress: Progress) -> Model:
    """Load a source.

    Args:
        arguments: "source"; "shapes"; "trust": whether it may run code; "sha256": of the only contents that are
            accepted, "" or missing for any. Whoever trusts a file that was looked at before says so with its SHA-256.
        progress: told about stages; may cancel.

    Raises:
        StudioError: as `converters.model.source.load` does.
    """
    from converters.model.source import load

    shapes = {name: tuple(shape) for name, shape in arguments["shapes"].items()}
    return load(
        arguments["source"],
        shapes=shapes,
        trust=bool(arguments["trust"]),
        sha256=str(arguments.get("sha256") or ""),
        progress=progress,
    )


def _write_host_matrix(model: Model, staging: Path) -> bool:
    """Keep `emap`, which host programs read from the ONNX file and no other format carries, beside the artifacts."""
    import numpy as np
    import onnx

    initializers = model.proto.graph.initializer
    if not initializers or initializers[-1].name != "emap":
        return False
    np.save(staging / HOST_MATRIX_FILE, onnx.numpy_helper.to_array(initializers[-1]), allow_pickle=False)
    return True


def run_reference(arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Run the original on the verification samples.

    Args:
        arguments: "staging"; "images": a folder, or "" for the built-in crops; "samples"; "seconds"; "precisions": of
            all requests.
        progress: told after every sample.

    Returns:
        "samples": the names of those that were run.
    """
    from converters.measure.reference import write_references
    from converters.runtimes.onnx import OnnxSession
    from converters.samples import read_pictures, verification_samples

    staging = Path(arguments["staging"])
    model = Model.open(staging / MODEL_FOLDER, weights=False)
    pictures = read_pictures(Path(arguments["images"] or DEMO_CROPS), arguments["samples"])
    samples = verification_samples(model.signature, pictures, arguments["samples"])
    names: list[str] = []
    for graph, reference, precisions in _references(staging, arguments["precisions"]):
        original = OnnxSession(graph)
        with original as session, destination_errors(staging.parent):
            names = write_references(session, samples, reference, arguments["seconds"], progress, precisions)
    return {"samples": names}


def _references(staging: Path, precisions: list[str]) -> list[tuple[Path, Path, list[str]]]:
    """Return graphs to run, where their results go, and the precisions judged by them.

    What was quantized by calibration is judged by the reference that people looked at; how far that one is from the
    float original is a question of quality, answered by the step that quantizes and by `compare`.
    """
    by_float = [precision for precision in precisions if precision != Precision.INT8]
    found = [(staging / MODEL_FOLDER / GRAPH_FILE, staging / REFERENCE_FOLDER, by_float)]
    if Precision.INT8 in precisions:
        quantized = staging / QUANTIZED_FOLDER / GRAPH_FILE
        found.append((quantized, staging / QUANTIZED_REFERENCE_FOLDER, [Precision.INT8]))
    return found


def _reference_folder(staging: Path, precision: Precision) -> Path:
    return staging / (QUANTIZED_REFERENCE_FOLDER if precision is Precision.INT8 else REFERENCE_FOLDER)


def scan_fp16(arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Look for values that fp16 cannot hold, on the first real samples.

    Args:
        arguments: "staging"; "images": a folder, or "" for the built-in crops.
        progress: told after every group of tensors.

    Returns:
        The scan's plain data, with the `LISTED_TENSORS` largest tensors only.
    """
    model = Model.open(Path(arguments["staging"]) / MODEL_FOLDER)
    return fp16_risk_of(model, arguments["images"], progress)


def fp16_risk_of(model: Model, images: str, progress: Progress) -> dict[str, Any]:
    """Return a scan's plain data on the first real samples, with the `LISTED_TENSORS` largest tensors only.

    Args:
        model: float, with static shapes.
        images: a folder, or "" for the built-in crops.
        progress: told after every group of tensors.
    """
    from converters.measure.fp16_risk import scan
    from converters.samples import read_pictures, verification_samples

    pictures = read_pictures(Path(images or DEMO_CROPS), _SCANNED_SAMPLES)
    samples = verification_samples(model.signature, pictures, _SCANNED_SAMPLES)
    risk = scan(model, [sample.feeds for sample in samples if sample.kind == SampleKind.REAL], progress).to_json()
    return {**risk, "tensors": risk["tensors"][:LISTED_TENSORS]}


def export_target(arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Write one artifact into its own folder of the staging.

    Args:
        arguments: "staging"; "request": a target request's plain data; "folder": a new one's name in the staging.
        progress: told about stages.

    Returns:
        "path"; "metadata": its text; "notes"; "seconds".
    """
    from converters.samples import verification_samples

    staging = Path(arguments["staging"])
    request = _request(arguments)
    model = Model.open(staging / MODEL_FOLDER)
    folder = staging / arguments["folder"]
    folder.mkdir()
    feeds = [sample.feeds for sample in verification_samples(model.signature, [], 4) if sample.kind is SampleKind.REAL]
    start = time.monotonic()
    with destination_errors(staging.parent):
        export = exporter(request.target).export(model, folder, request.precision, request.options, feeds, progress)
    return {
        "path": str(export.path),
        "metadata": export.metadata.to_text(),
        "notes": list(export.notes),
        "seconds": time.monotonic() - start,
    }


def verify_target(arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Judge one artifact by the original's results.

    Args:
        arguments: "staging"; "request"; "path"; "seconds".
        progress: told after every sample.

    Returns:
        A verification's plain data.
    """
    from converters.measure.reference import verify

    request = _request(arguments)
    with exporter(request.target).open_session(Path(arguments["path"])) as session:
        folder = _reference_folder(Path(arguments["staging"]), request.precision)
        return verify(session, folder, request.precision, arguments["seconds"], progress).to_json()


def locate_difference(arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Find the first layer at which a failed artifact leaves the original.

    An operation of its own: it exports the graph in unusual forms, and a crash on the way must not cost the verdict.

    Args:
        arguments: "staging"; "request"; "sample": the name of the one that failed worst.
        progress: told about rounds.

    Returns:
        A first difference's plain data.
    """
    from converters.measure.first_difference import locate
    from converters.measure.reference import read_references

    staging = Path(arguments["staging"])
    request = _request(arguments)
    references = read_references(_reference_folder(staging, request.precision))
    sample = next(item.sample for item in references if item.sample.name == arguments["sample"])
    model = Model.open(staging / MODEL_FOLDER)
    target = exporter(request.target)
    return locate(model, target, request.precision, request.options, sample, progress).to_json()


def _request(arguments: dict[str, Any]) -> TargetRequest:
    return Recipe.from_json({"version": 1, "targets": [arguments["request"]]}).targets[0]
