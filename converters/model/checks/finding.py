"""A Finding, and the targets and consumers it may be about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any

from converters.model.graph_reading import GraphReading, node_title

if TYPE_CHECKING:
    import onnx

    from converters.model.families import Family
    from converters.model.graph import Model

MNN, TFLITE, COREML, ONNX = "mnn", "tflite", "coreml", "onnx"
# Not files of their own: runtimes that take one of the files above and can do less.
ONNX_COREML, TFLITE_GPU = "onnx-coreml-provider", "tflite-gpu-delegate"
MOBILE = (MNN, TFLITE, COREML)
EVERYWHERE = (*MOBILE, ONNX)
CONSUMERS = {ONNX: (ONNX_COREML,), TFLITE: (TFLITE_GPU,)}


class Severity(StrEnum):
    """How much a finding matters: it will not work, it may go wrong or run badly, it could be better."""

    ERROR = "error"
    WARNING = "warning"
    ADVICE = "advice"


@dataclass(frozen=True)
class Finding:
    """Something that will not survive a conversion, or will run badly.

    Attributes:
        id: of the check.
        targets: files ("mnn", "tflite", "coreml", "onnx") and consumers of files it concerns.
        severity: see `Severity`.
        nodes: titles of the nodes (or names of the tensors) concerned.
        sentence: what, why and what to do.
        rewrite: id of the exact rewrite that mends it, "" for none.
    """

    id: str
    targets: tuple[str, ...]
    severity: Severity
    nodes: tuple[str, ...]
    sentence: str
    rewrite: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)


class Examination:
    """A model on the doctor's table: its graph indexed once for all checks."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.reading = GraphReading(model.proto)

    @cached_property
    def family(self) -> Family | None:
        """The model's family."""
        from converters.model.families import family

        return family(self.model.family)

    def nodes(self, *operators: str) -> list[onnx.NodeProto]:
        """Nodes of these operators, in the graph's order."""
        return [node for node in self.reading.nodes if node.op_type in operators]


def titles(nodes: Sequence[onnx.NodeProto]) -> tuple[str, ...]:
    """Return the nodes' titles."""
    return tuple(node_title(node) for node in nodes)


def counted(number: int, singular: str, plural: str = "") -> str:
    """Return "1 pad" or "3 pads"."""
    return f"{number} {singular if number == 1 else plural or singular + 's'}"
