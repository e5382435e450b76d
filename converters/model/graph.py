"""A Model: an ONNX graph in memory with its Signature, its Family and where it came from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from converters.model.signature import Signature

if TYPE_CHECKING:
    import onnx

    from converters.compress.quantize.encodings import Encodings

GRAPH_FILE = "model.onnx"
WEIGHTS_FILE = "model.onnx.data"
DESCRIPTION_FILE = "model.json"

CONTROL_FLOW = ("If", "Loop", "Scan")

# Protobuf refuses messages of 2 GiB; stay well below, because the graph itself needs room too.
LARGEST_SINGLE_FILE = 1_800_000_000


def control_flow(proto: onnx.ModelProto) -> list[str]:
    """Return the operators of control flow that a graph uses, sorted."""
    return sorted({node.op_type for node in proto.graph.node if node.op_type in CONTROL_FLOW})


def initializer_bytes(proto: onnx.ModelProto) -> int:
    """Return the bytes of all initializers."""
    sizes: list[int] = [len(tensor.raw_data) or tensor.ByteSize() for tensor in proto.graph.initializer]
    return sum(sizes)


def write_proto(proto: onnx.ModelProto, folder: Path) -> Path:
    """Write a graph into `folder` (made if missing) and return its path; weights go beside it when they are large."""
    import onnx

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / GRAPH_FILE
    if initializer_bytes(proto) > LARGEST_SINGLE_FILE:
        copy = onnx.ModelProto()
        copy.CopyFrom(proto)  # save_model moves the weights out of the proto it is given
        onnx.save_model(copy, str(path), save_as_external_data=True, location=WEIGHTS_FILE, size_threshold=1024)
    else:
        path.write_bytes(proto.SerializeToString())
    return path


@dataclass(frozen=True)
class SourceInfo:
    """Where a Model came from.

    Attributes:
        name: the file's name, without its folder.
        kind: "onnx", "state_dict", "safetensors", "torchscript", "exported_program" or "factory".
        sha256: of the file's bytes, hexadecimal.
        size: of the file, bytes.
    """

    name: str
    kind: str
    sha256: str
    size: int


@dataclass(frozen=True)
class Model:
    """An ONNX graph, self-contained (no external data), checked, with static shapes inferred.

    A Step takes a Model and returns another; it never changes the one it was given, `proto` included.

    Attributes:
        proto: the graph. Treat as frozen: copy before changing.
        signature: inputs and outputs with their roles.
        family: a family's id of resources/families.json, or "" when none is recognised.
        source: where the graph came from.
        notes: sentences about what was done on the way (dynamic axes fixed, opset raised, …).
        encodings: how it is to be quantized; None for a model that is not. The graph itself stays float.
        open_axes: inputs whose sizes the source leaves open, as it declares them ("batch", 3, "?", "?"); None for one
            of which it says nothing. What `signature` says of them was chosen while loading. Not kept by `save`.
    """

    proto: onnx.ModelProto
    signature: Signature
    family: str
    source: SourceInfo
    notes: tuple[str, ...] = field(default=())
    encodings: Encodings | None = None
    open_axes: Mapping[str, tuple[int | str, ...] | None] = field(default_factory=dict)

    @property
    def opset(self) -> int:
        """The version of the default operator set."""
        return next(int(item.version) for item in self.proto.opset_import if item.domain in ("", "ai.onnx"))

    @property
    def parameter_bytes(self) -> int:
        """Bytes of all initializers."""
        return initializer_bytes(self.proto)

    def with_proto(self, proto: onnx.ModelProto, *notes: str) -> Model:
        """Return this Model with another graph of the same signature, and notes added.

        Encodings are given up: they speak of the layers of the graph they were made for.
        """
        return replace(self, proto=proto, notes=(*self.notes, *notes), encodings=None)

    def save(self, folder: Path) -> Path:
        """Write graph and description into `folder`; return the graph's path."""
        path = write_proto(self.proto, folder)
        description: dict[str, Any] = {
            "signature": self.signature.to_json(),
            "family": self.family,
            "source": asdict(self.source),
            "notes": list(self.notes),
        }
        (folder / DESCRIPTION_FILE).write_text(json.dumps(description), encoding="utf-8")
        if self.encodings is not None:
            self.encodings.save(folder)
        return path

    @classmethod
    def open(cls, folder: Path, *, weights: bool = True) -> Model:
        """Read back what `save` wrote. Only for folders written by this program: nothing is checked.

        Args:
            folder: given to `save`.
            weights: False leaves `proto` empty, for callers that only need the description.
        """
        import onnx

        from converters.compress.quantize.encodings import Encodings

        description = json.loads((folder / DESCRIPTION_FILE).read_text(encoding="utf-8"))
        return cls(
            proto=onnx.load(str(folder / GRAPH_FILE)) if weights else onnx.ModelProto(),
            signature=Signature.from_json(description["signature"]),
            family=description["family"],
            source=SourceInfo(**description["source"]),
            notes=tuple(description["notes"]),
            encodings=Encodings.open(folder),
        )
