"""Put `emap` back where every face-swap program looks for it: the last initializer, in fp32."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from converters.model.fingerprint import find_emap
from converters.model.graph_reading import initializer_dtype
from converters.model.rewrites.base import GraphEdit, Rewrite, Rewritten

if TYPE_CHECKING:
    import onnx


def apply(proto: onnx.ModelProto) -> Rewritten:
    """Return the graph with its orphan 512x512 matrix last and in fp32.

    No output of the graph depends on it. A matrix that was kept in 16 bits gets its type back, not its lost digits.
    """
    return REWRITE.apply(proto)


def _edit(edit: GraphEdit) -> list[str]:
    import onnx

    emap = find_emap(edit.reading)
    if emap is None:
        return []
    is_fp32 = initializer_dtype(emap) == "float32"
    if is_fp32 and edit.proto.graph.initializer[-1].name == emap.name:
        return []
    if not is_fp32:
        value = onnx.numpy_helper.to_array(emap).astype(np.float32)
        edit.substitute(onnx.numpy_helper.from_array(value, emap.name))
    edit.move_last(emap.name)
    return [emap.name]


REWRITE = Rewrite(
    id="emap_last",
    title="emap as the last initializer, in fp32",
    sentence="Moves the matrix that maps embeddings to the end of the file, where host programs read it.",
    tolerance=0.0,
    edit=_edit,
)
