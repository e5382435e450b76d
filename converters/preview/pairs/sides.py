"""Open a side of a pair, and say what it is."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from converters.fingerprints import size_of
from converters.model.signature import Signature, TensorInfo
from converters.opened import Opened, opened
from converters.precision import Precision
from converters.preview.pairs.base import SideInfo
from converters.preview.pairs.renamed import with_names_of
from converters.preview.request import ModelChoice
from converters.progress import Progress
from converters.registry import open_session

if TYPE_CHECKING:
    import onnx

_TITLES: Final = {"onnx": "ONNX Runtime", "mnn": "MNN", "tflite": "LiteRT", "coreml": "Core ML"}
_REFERENCE: Final = "reference executor"


@contextmanager
def opened_choice(choice: ModelChoice, progress: Progress, threads: int | None = None) -> Iterator[Opened]:
    """Open a side by itself; errors as `opened`."""
    with opened(
        Path(choice.path),
        shapes=choice.shapes,
        trust=choice.trust,
        sha256=choice.sha256,
        threads=threads,
        progress=progress,
    ) as found:
        yield found


@contextmanager
def opened_like(
    original: Opened, choice: ModelChoice, progress: Progress, threads: int | None = None
) -> Iterator[Opened]:
    """Open the candidate; where its file says nothing of its family it is fed as the original is.

    Raises:
        StudioError: as `opened`; UsageError where it is to be fed as the original and has other inputs or outputs.
    """
    if choice.like_original:
        with _own_file(Path(choice.path), threads) as found:
            yield _as_original(original, found)
        return
    with opened_choice(choice, progress, threads) as found:
        if original.family and not found.family:
            own = found.unread  # another model of the kind has a matrix of its own
            yield _as_original(original if own is None else replace(original, unread=own), found)
        else:
            yield found


@contextmanager
def _own_file(path: Path, threads: int | None) -> Iterator[Opened]:
    """Open what the calibration has just written of the original: nobody else's file, so nothing is checked again.

    A hand that moves a range waits for it, and the checks take three times as long as the session.
    """
    with open_session(path, threads=threads) as session:
        signature = Signature(
            tuple(TensorInfo(spec.name, spec.shape, spec.dtype) for spec in session.inputs),
            tuple(TensorInfo(spec.name, spec.shape, spec.dtype) for spec in session.outputs),
        )
        yield Opened(path.name, session, signature, "", size_of(path), "")


def _as_original(original: Opened, found: Opened) -> Opened:
    """Return a model with everything that is known of the original."""
    return replace(
        found,
        session=with_names_of(original.signature, found.session, found.name),
        signature=original.signature,
        family=original.family,
        properties=original.properties,
        unread=original.unread,
    )


def side_info(found: Opened, choice: ModelChoice, macs: int | None = None) -> SideInfo:
    """Return what people are told of a side.

    Args:
        found: the open model.
        choice: as it was chosen.
        macs: where they are known already; otherwise they are counted in an ONNX model's graph.
    """
    is_reference = bool(getattr(found.session, "is_reference", False))
    metadata = found.session.metadata
    precision = metadata.precision if metadata is not None else ""
    if found.session.runtime == "onnx":
        counted, precision = _read(found.session.path, precision, macs)
    else:
        counted = macs or 0
    return SideInfo(
        choice.label or found.name,
        _REFERENCE if is_reference else _TITLES[found.session.runtime],
        is_reference,
        found.size,
        counted,
        precision,
    )


def _read(path: Path, precision: str, macs: int | None) -> tuple[int, str]:
    """Return the multiply-accumulates of a graph and how its numbers are kept, where that is not known yet."""
    import onnx

    from converters.model.cost import measure_cost

    proto = onnx.load(str(path), load_external_data=False)  # sizes and kinds are what counts, not the weights
    return measure_cost(proto).macs if macs is None else macs, precision or _precision_of(proto)


def _precision_of(proto: onnx.ModelProto) -> str:
    """Return a `Precision` value by what a graph is made of."""
    from onnx import TensorProto

    operators = {node.op_type for node in proto.graph.node}
    if operators & {"QuantizeLinear", "QLinearConv", "QLinearMatMul"}:
        return Precision.INT8.value
    if operators & {"DynamicQuantizeLinear", "ConvInteger", "MatMulInteger"}:
        return Precision.INT8_DYNAMIC.value
    if "DequantizeLinear" in operators:
        return Precision.INT8_WEIGHTS.value
    elements: Counter[int] = Counter()
    for tensor in proto.graph.initializer:
        elements[tensor.data_type] += math.prod(tensor.dims)
    is_half = elements[TensorProto.FLOAT16] > elements[TensorProto.FLOAT]
    return Precision.FP16.value if is_half else Precision.FP32.value
