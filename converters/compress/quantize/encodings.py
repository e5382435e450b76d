"""Encodings: how each layer of a Model is quantized, as plain data that every target gets alike.

A code q stands for the value (q - zero_point) * scale (Jacob et al., "Quantization and Training of Neural Networks for
Efficient Integer-Arithmetic-Only Inference", CVPR 2018). Codes are signed in every target.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

ENCODINGS_VERSION = 1
ENCODINGS_FILE = "encodings.json"
REPLACED_FILE = "encodings.npz"
Floats = npt.NDArray[np.float32]


class Scheme(StrEnum):
    """How one layer computes."""

    FLOAT = "float"
    W8A8 = "w8a8"
    W8A16 = "w8a16"
    W8 = "w8"
    W4 = "w4"
    DYNAMIC = "dynamic"

    @property
    def weight_bits(self) -> int:
        """Bits of a weight; 32 for float ones."""
        return {Scheme.FLOAT: 32, Scheme.W4: 4}.get(self, 8)

    @property
    def activation_bits(self) -> int:
        """Bits of a calibrated activation; 0 where activations are not calibrated."""
        return {Scheme.W8A8: 8, Scheme.W8A16: 16}.get(self, 0)


@dataclass(frozen=True)
class Encoding:
    """The quantization of one activation tensor.

    Attributes:
        bits: 8 or 16.
        symmetric: whether zero_point is 0.
        scale: above 0.
        zero_point: the code that stands for 0.0.
        low, high: the range it came from; both within what the codes can hold, up to rounding.
    """

    bits: int
    symmetric: bool
    scale: float
    zero_point: int
    low: float
    high: float

    @property
    def lowest(self) -> int:
        """The lowest code: -128 for 8 bits."""
        return -int(2 ** (self.bits - 1))

    @property
    def highest(self) -> int:
        """The highest code: 127 for 8 bits."""
        return int(2 ** (self.bits - 1)) - 1

    def quantize(self, values: Floats) -> npt.NDArray[np.int32]:
        """Return codes, rounded half to even and clipped."""
        codes = np.rint(np.asarray(values, np.float32) / np.float32(self.scale)) + self.zero_point
        return np.asarray(np.clip(codes, self.lowest, self.highest), dtype=np.int32)

    def dequantize(self, codes: npt.NDArray[np.integer]) -> Floats:
        """Return the values that codes stand for."""
        return np.asarray((codes.astype(np.int64) - self.zero_point) * np.float32(self.scale), dtype=np.float32)


@dataclass(frozen=True)
class WeightEncoding:
    """The quantization of one layer's weights: symmetric, one scale per output channel or per block of inputs.

    Attributes:
        bits: 8 or 4; codes lie between -(2^(bits-1) - 1) and 2^(bits-1) - 1.
        axis: of the output channels in the ONNX initializer.
        scale: one per output channel; with blocks channel after channel, each its blocks in order.
        block: weights of one channel that share a scale, in the initializer's order with `axis` first; 0 for all.
    """

    bits: int
    axis: int
    scale: tuple[float, ...]
    block: int = 0

    @property
    def highest(self) -> int:
        """The highest code; the lowest is its negative."""
        return int(2 ** (self.bits - 1)) - 1

    def quantize(self, weights: Floats) -> npt.NDArray[np.int8]:
        """Return codes in the shape of `weights`."""
        rows, shape = self._rows(weights)
        codes = np.clip(np.rint(rows / self._scales(len(rows))), -self.highest, self.highest)
        return self._back(codes.astype(np.int8), shape)

    def dequantize(self, codes: npt.NDArray[np.int8]) -> Floats:
        """Return the values that codes stand for, in the shape of `codes`."""
        rows, shape = self._rows(codes)
        return self._back((rows.astype(np.float32) * self._scales(len(rows))).astype(np.float32), shape)

    def _scales(self, rows: int) -> Floats:
        scale = np.asarray(self.scale, np.float32)
        if len(scale) != rows:
            raise ValueError(f"{len(scale)} scales for {rows} rows of weights")
        return scale[:, None]

    def _rows(self, weights: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], tuple[int, ...]]:
        first = np.moveaxis(weights, self.axis, 0)
        per_row = self.block or first[0].size
        return first.reshape(-1, per_row), first.shape

    def _back(self, rows: npt.NDArray[Any], shape: tuple[int, ...]) -> npt.NDArray[Any]:
        return np.ascontiguousarray(np.moveaxis(rows.reshape(shape), 0, self.axis))


@dataclass(frozen=True)
class LayerEncoding:
    """How one layer is quantized.

    Attributes:
        scheme: of the layer.
        weight: of its weights, None for float ones.
        input: of the tensor it reads, None where activations are not calibrated.
        output: of what it writes, after the activation function that targets fuse into it; None likewise.
    """

    scheme: Scheme
    weight: WeightEncoding | None = None
    input: Encoding | None = None
    output: Encoding | None = None

    def to_json(self) -> dict[str, Any]:
        """Return plain data that `from_json` reads."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> LayerEncoding:
        """Rebuild from `to_json`'s plain data."""
        weight = data["weight"]
        return cls(
            Scheme(data["scheme"]),
            WeightEncoding(weight["bits"], weight["axis"], tuple(weight["scale"]), weight["block"]) if weight else None,
            Encoding(**data["input"]) if data["input"] else None,
            Encoding(**data["output"]) if data["output"] else None,
        )


@dataclass(frozen=True)
class Encodings:
    """How a Model is quantized: every layer with weights, by its name.

    Attributes:
        layers: by `Layer.name`; a layer that is left out stays float.
        replaced: float32 values to use for initializers instead of the graph's, whenever it is quantized: equalized
            weights, corrected biases, weights rounded otherwise than to the nearest code.
        origin: where the ranges come from, in words.
    """

    layers: Mapping[str, LayerEncoding]
    replaced: Mapping[str, Floats] = field(default_factory=dict)
    origin: str = ""

    def scheme(self, layer: str) -> Scheme:
        """Return a layer's scheme."""
        found = self.layers.get(layer)
        return found.scheme if found else Scheme.FLOAT

    @property
    def schemes(self) -> tuple[Scheme, ...]:
        """Every scheme in use, sorted."""
        return tuple(sorted({layer.scheme for layer in self.layers.values()}))

    def save(self, folder: Path) -> None:
        """Write into `folder`, which exists."""
        data = {
            "version": ENCODINGS_VERSION,
            "origin": self.origin,
            "replaced": list(self.replaced),
            "layers": {name: layer.to_json() for name, layer in self.layers.items()},
        }
        (folder / ENCODINGS_FILE).write_text(json.dumps(data), encoding="utf-8")
        if self.replaced:
            # by place: names are a model's own, and some mean something to numpy or to the archive
            arrays = {f"array_{place}": array for place, array in enumerate(self.replaced.values())}
            np.savez(folder / REPLACED_FILE, allow_pickle=False, **arrays)

    @classmethod
    def open(cls, folder: Path) -> Encodings | None:
        """Read back what `save` wrote; None where there is nothing."""
        path = folder / ENCODINGS_FILE
        if not path.exists():
            return None
        data = json.loads(path.read_text(encoding="utf-8"))
        replaced: dict[str, Floats] = {}
        if data["replaced"]:
            with np.load(folder / REPLACED_FILE, allow_pickle=False) as arrays:
                replaced = {name: arrays[f"array_{place}"] for place, name in enumerate(data["replaced"])}
        layers = {name: LayerEncoding.from_json(layer) for name, layer in data["layers"].items()}
        return cls(layers, replaced, data["origin"])
