"""What every artifact says about itself, and how its edges map to the ONNX graph's.

The same JSON text goes into all formats: `bizCode` of a `.mnn`, a metadata buffer of a `.tflite`, user-defined
metadata of a `.mlpackage`, `metadata_props` of a `.onnx`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from converters.model.signature import Signature

METADATA_KEY = "ffstudio"
METADATA_VERSION = 1


@dataclass(frozen=True)
class EdgeBinding:
    """How one input or output of the ONNX graph appears in a file.

    Attributes:
        name: in the ONNX graph.
        file_name: in the file.
        shape: in the ONNX graph, static.
        permutation: the file's axis i is the graph's axis permutation[i]; identity where nothing is transposed.
        dtype: numpy's name, in the file.
        scale, zero_point: of a tensor kept as integer codes, value = (code - zero_point) * scale; scale 0 for none.
    """

    name: str
    file_name: str
    shape: tuple[int, ...]
    permutation: tuple[int, ...]
    dtype: str
    scale: float = 0.0
    zero_point: int = 0

    @property
    def file_shape(self) -> tuple[int, ...]:
        """The shape in the file."""
        return tuple(self.shape[axis] for axis in self.permutation)

    def to_file(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return `array` (the graph's layout) contiguous in the file's layout and dtype; values become codes."""
        values = array.transpose(self.permutation)
        if self.scale:
            limits = np.iinfo(self.dtype)
            codes = np.rint(values / np.float32(self.scale)) + self.zero_point
            # a value that is no number has no code; the one of 0.0 at least is the same everywhere
            values = np.clip(np.nan_to_num(codes, nan=self.zero_point), limits.min, limits.max)
        return np.asarray(values, dtype=self.dtype, order="C")

    def from_file(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return `array` (the file's layout) contiguous in the graph's layout; codes become float32, others stay."""
        if self.scale:
            array = (array.astype(np.float32) - np.float32(self.zero_point)) * np.float32(self.scale)
        return np.asarray(array.transpose(tuple(np.argsort(self.permutation))), order="C")

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> EdgeBinding:
        """Rebuild from plain data."""
        return cls(
            name=data["name"],
            file_name=data["file_name"],
            shape=tuple(data["shape"]),
            permutation=tuple(data["permutation"]),
            dtype=data["dtype"],
            scale=float(data.get("scale", 0.0)),
            zero_point=int(data.get("zero_point", 0)),
        )


@dataclass(frozen=True)
class ArtifactMetadata:
    """What an artifact says about itself.

    Attributes:
        target: "mnn", "tflite", "coreml" or "onnx".
        engine: what wrote the file, with its version ("litert-torch 0.10.0").
        precision: a `Precision` value.
        family: id of the family, or "".
        licence: the family's licence as listed, or "" when unknown.
        source_name, source_sha256: of the file the person gave.
        signature: roles, colour order, mean and std of the ONNX graph's inputs and outputs.
        inputs, outputs: how they appear in the file, in the ONNX graph's order.
    """

    target: str
    engine: str
    precision: str
    family: str
    licence: str
    source_name: str
    source_sha256: str
    signature: Signature
    inputs: tuple[EdgeBinding, ...]
    outputs: tuple[EdgeBinding, ...]

    def to_text(self) -> str:
        """Return the JSON text that is stored in the file."""
        data = {
            "version": METADATA_VERSION,
            "target": self.target,
            "engine": self.engine,
            "precision": self.precision,
            "family": self.family,
            "licence": self.licence,
            "source_name": self.source_name,
            "source_sha256": self.source_sha256,
            "signature": self.signature.to_json(),
            "inputs": [asdict(edge) for edge in self.inputs],
            "outputs": [asdict(edge) for edge in self.outputs],
        }
        return json.dumps(data, separators=(",", ":"), sort_keys=True)

    @classmethod
    def from_text(cls, text: str) -> ArtifactMetadata | None:
        """Read a file's text back; None when it is not ours, or of a version this program does not know."""
        try:
            data = json.loads(text)
            if not isinstance(data, dict) or data.get("version") != METADATA_VERSION:
                return None
            return cls(
                target=data["target"],
                engine=data["engine"],
                precision=data["precision"],
                family=data["family"],
                licence=data["licence"],
                source_name=data["source_name"],
                source_sha256=data["source_sha256"],
                signature=Signature.from_json(data["signature"]),
                inputs=tuple(EdgeBinding.from_json(edge) for edge in data["inputs"]),
                outputs=tuple(EdgeBinding.from_json(edge) for edge in data["outputs"]),
            )
        except (ValueError, KeyError, TypeError):
            return None


def identity_bindings(signature: Signature) -> tuple[tuple[EdgeBinding, ...], tuple[EdgeBinding, ...]]:
    """Return bindings of a file that keeps names, shapes and layout of the graph."""

    def bind(tensors: Iterable[Any]) -> tuple[EdgeBinding, ...]:
        return tuple(
            EdgeBinding(tensor.name, tensor.name, tensor.static_shape, tuple(range(len(tensor.shape))), tensor.dtype)
            for tensor in tensors
        )

    return bind(signature.inputs), bind(signature.outputs)
