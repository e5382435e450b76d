"""What goes into a model and what comes out of it, in words an app developer needs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Role(StrEnum):
    """What a tensor means."""

    IMAGE = "image"
    EMBEDDING = "embedding"
    MASK = "mask"
    SCORES = "scores"
    BOXES = "boxes"
    LANDMARKS = "landmarks"
    CLASSES = "classes"
    FEATURES = "features"
    PARAMETER = "parameter"
    TENSOR = "tensor"


class ColourOrder(StrEnum):
    """The order of the three channels of an image tensor."""

    RGB = "RGB"
    BGR = "BGR"


@dataclass(frozen=True)
class TensorInfo:
    """One input or output.

    Attributes:
        name: as in the ONNX graph.
        shape: sizes; a string is a dynamic axis by its name. Fixed before anything is exported.
        dtype: numpy's name ("float32", "int64", …).
        role: what the tensor means.
        layout: one letter per axis ("NCHW", "NHWC", "NC", …), empty when nothing is known.
        colour: channel order of an image, None for everything else or when unknown.
        value_range: lowest and highest value of the tensor as the model sees it, None when unknown.
        mean, std: value = (pixel / 255 - mean) / std per channel (in the tensor's colour order); empty when
            the tensor is no image or the normalisation is unknown.
    """

    name: str
    shape: tuple[int | str, ...]
    dtype: str = "float32"
    role: Role = Role.TENSOR
    layout: str = ""
    colour: ColourOrder | None = None
    value_range: tuple[float, float] | None = None
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()

    @property
    def is_static(self) -> bool:
        """Whether every axis has a fixed size."""
        return all(isinstance(size, int) for size in self.shape)

    @property
    def static_shape(self) -> tuple[int, ...]:
        """The sizes as integers; a ValueError means a caller forgot to fix dynamic axes."""
        if not self.is_static:
            raise ValueError(f"{self.name} has dynamic axes: {self.shape}")
        return tuple(int(size) for size in self.shape)

    def to_json(self) -> dict[str, Any]:
        """Return plain data that `TensorInfo.from_json` reads."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> TensorInfo:
        """Rebuild from `to_json`'s plain data (lists where tuples were are fine)."""
        value_range = data.get("value_range")
        return cls(
            name=data["name"],
            shape=tuple(data["shape"]),
            dtype=data["dtype"],
            role=Role(data["role"]),
            layout=data["layout"],
            colour=ColourOrder(data["colour"]) if data.get("colour") else None,
            value_range=(value_range[0], value_range[1]) if value_range else None,
            mean=tuple(data.get("mean", ())),
            std=tuple(data.get("std", ())),
        )


@dataclass(frozen=True)
class Signature:
    """Inputs and outputs in the graph's own order."""

    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]

    def input(self, name: str) -> TensorInfo:
        """Return the input called `name`; a KeyError is a bug of the caller."""
        return {tensor.name: tensor for tensor in self.inputs}[name]

    def to_json(self) -> dict[str, Any]:
        """Return plain data that `Signature.from_json` reads."""
        return {
            "inputs": [tensor.to_json() for tensor in self.inputs],
            "outputs": [tensor.to_json() for tensor in self.outputs],
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Signature:
        """Rebuild from `to_json`'s plain data."""
        return cls(
            inputs=tuple(TensorInfo.from_json(tensor) for tensor in data["inputs"]),
            outputs=tuple(TensorInfo.from_json(tensor) for tensor in data["outputs"]),
        )
