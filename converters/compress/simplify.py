"""Fold constants and drop nodes that do nothing, by onnxslim."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from converters.compress.base import Step, StepResult
from converters.errors import UnsupportedError
from converters.model.graph import Model
from converters.model.rewrites.proof import prove
from converters.parameters import Value
from converters.progress import Progress

if TYPE_CHECKING:
    import onnx

# Folding may reorder sums; anything beyond their rounding is a wrong result.
_LARGEST_DIFFERENCE = 1e-4


class Simplify(Step):
    """Simplify a graph; its results are compared before the step counts as done.

    Simplifiers drop initializers that no node uses. Host programs read `emap` as the last one: it is put back there.
    """

    name: ClassVar[str] = "simplify"
    title: ClassVar[str] = "Simplifying the graph"

    def _run(self, model: Model, options: dict[str, Value], progress: Progress) -> StepResult:
        del options
        import onnx
        import onnxslim

        copy = onnx.ModelProto()
        copy.CopyFrom(model.proto)
        slim: onnx.ModelProto = onnxslim.slim(copy)
        _restore_unused(model.proto, slim)
        before, after = len(model.proto.graph.node), len(slim.graph.node)
        if before == after:
            return StepResult(model, False, ("Simplify found nothing to do.",))
        progress(self.title, 0.5, "comparing")
        simplified = model.with_proto(slim)
        proof = prove(model, simplified)
        if proof.relative > _LARGEST_DIFFERENCE:
            raise UnsupportedError(
                "The simplified graph computes something else.", proof.sentence, "Convert without the step simplify."
            )
        return StepResult(simplified, True, (f"Simplified from {before} to {after} nodes. {proof.sentence}",))


def _restore_unused(original: onnx.ModelProto, slim: onnx.ModelProto) -> None:
    """Put initializers that nothing uses back, in their order and last, where their readers look for them."""
    used = {name for node in original.graph.node for name in node.input}
    kept = {tensor.name for tensor in slim.graph.initializer}
    for tensor in original.graph.initializer:
        if tensor.name not in used and tensor.name not in kept:
            slim.graph.initializer.add().CopyFrom(tensor)
