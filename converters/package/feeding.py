"""How a file is fed, as plain data: the README, its code and `contents.json` are all made from this."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from converters.model.families import Family, family
from converters.model.signature import ColourOrder, Role, TensorInfo
from converters.targets.metadata import ArtifactMetadata, EdgeBinding

PIXELS = 255
# MNN keeps these types of the graph's edges as others; everything else is as the metadata says.
_MNN_TYPES = {"int64": "int32", "int16": "int32", "bool": "int32", "float64": "float32", "float16": "float32"}


@dataclass(frozen=True)
class Fed:
    """One input or output of a file.

    Attributes:
        name: in the file.
        graph_name: in the original.
        shape: in the file.
        layout: one letter per axis in the file, "" when nothing is known.
        dtype: numpy's name, in the file.
        role: what it means.
        is_picture: whether pixels go in or come out; then `colour`, `scale` and `bias` hold.
        as_image: a Core ML picture input: the file takes a CVPixelBuffer and does colour order and range itself.
        colour: "RGB" or "BGR", the order of the tensor's channels.
        scale, bias: value = pixel * scale + bias with pixels 0..255, for each channel in the tensor's order.
        mean, std: the same as value = (pixel / 255 - mean) / std; empty when the range is not known.
        value_range: lowest and highest value, None when unknown.
        codes: of a tensor kept as integers: "scale" and "zero_point", value = (code - zero_point) * scale; or None.
    """

    name: str
    graph_name: str
    shape: tuple[int, ...]
    layout: str
    dtype: str
    role: str
    is_picture: bool = False
    as_image: bool = False
    colour: str = ""
    scale: tuple[float, ...] = ()
    bias: tuple[float, ...] = ()
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    value_range: tuple[float, float] | None = None
    codes: Mapping[str, float] | None = None

    @property
    def count(self) -> int:
        """The number of values."""
        count = 1
        for size in self.shape:
            count *= size
        return count

    @property
    def height(self) -> int:
        """Of a picture, pixels."""
        return self.shape[self.layout.index("H")]

    @property
    def width(self) -> int:
        """Of a picture, pixels."""
        return self.shape[self.layout.index("W")]

    @property
    def channels_last(self) -> bool:
        """Whether the channels of a picture come last."""
        return self.layout.endswith("C")


@dataclass(frozen=True)
class Feeding:
    """How one file is fed.

    Attributes:
        file: its name in the package.
        target, precision, engine: what it is.
        family: the family's id, "" when unknown.
        source_name, source_sha256: of the original.
        inputs, outputs: in the graph's order.
    """

    file: str
    target: str
    precision: str
    engine: str
    family: str
    source_name: str
    source_sha256: str
    inputs: tuple[Fed, ...]
    outputs: tuple[Fed, ...]

    @property
    def known_family(self) -> Family | None:
        """The family, None when unknown."""
        return family(self.family)

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)


def feeding_of(file: str, target: str, metadata: ArtifactMetadata, pictures: Sequence[str] = ()) -> Feeding:
    """Return how a file is fed, from what it says of itself.

    Args:
        file: its name in the package.
        target: "mnn", "tflite", "coreml" or "onnx".
        metadata: as stored in the file.
        pictures: names in the file of Core ML inputs that take pictures.
    """
    inputs = {tensor.name: tensor for tensor in metadata.signature.inputs}
    outputs = {tensor.name: tensor for tensor in metadata.signature.outputs}
    return Feeding(
        file=file,
        target=target,
        precision=metadata.precision,
        engine=metadata.engine,
        family=metadata.family,
        source_name=metadata.source_name,
        source_sha256=metadata.source_sha256,
        inputs=tuple(_fed(edge, inputs.get(edge.name), target, edge.file_name in pictures) for edge in metadata.inputs),
        outputs=tuple(_fed(edge, outputs.get(edge.name), target, False) for edge in metadata.outputs),
    )


def _fed(edge: EdgeBinding, info: TensorInfo | None, target: str, as_image: bool) -> Fed:
    info = info or TensorInfo(edge.name, edge.shape, edge.dtype)
    layout = info.layout if len(info.layout) == len(edge.permutation) else ""
    in_file = "".join(layout[axis] for axis in edge.permutation) if layout else ""
    scale, bias = _scaling(info)
    picture = _is_picture(info, in_file, edge.file_shape) and bool(scale)
    dtype = _MNN_TYPES.get(edge.dtype, edge.dtype) if target == "mnn" else edge.dtype
    return Fed(
        name=edge.file_name,
        graph_name=edge.name,
        shape=edge.file_shape,
        layout=in_file,
        dtype=dtype,
        role=info.role.value,
        is_picture=picture,
        as_image=as_image,
        colour=info.colour.value if info.colour else "",
        scale=scale if picture else (),
        bias=bias if picture else (),
        mean=info.mean,
        std=info.std,
        value_range=info.value_range,
        codes={"scale": edge.scale, "zero_point": edge.zero_point} if edge.scale else None,
    )


def _is_picture(info: TensorInfo, layout: str, shape: tuple[int, ...]) -> bool:
    if info.role is not Role.IMAGE or info.colour not in tuple(ColourOrder) or sorted(layout) != sorted("NCHW"):
        return False
    return shape[layout.index("C")] == 3 and shape[layout.index("N")] == 1


def _scaling(info: TensorInfo) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return scale and bias of each channel: value = pixel * scale + bias; empty when they are not known."""
    if len(info.mean) == 3 and len(info.std) == 3:
        pairs = list(zip(info.mean, info.std, strict=True))
        return tuple(1 / (PIXELS * std) for _, std in pairs), tuple(-mean / std for mean, std in pairs)
    if info.value_range is not None:
        low, high = info.value_range
        return ((high - low) / PIXELS,) * 3, (low,) * 3
    return (), ()
