"""Raise an old graph to the operator set from which scales per channel can be written down."""

from __future__ import annotations

from converters.model.graph import Model

LEAST_OPERATOR_SET = 13


def raise_operator_set(model: Model) -> Model:
    """Return a model of operator set 13 at least.

    Returned as it is when it already has it, or when ONNX has no way of raising it: what needs it says so then.
    Initializers that nothing reads (emap) stay, in their order and last.
    """
    import onnx
    from onnx import version_converter

    if model.opset >= LEAST_OPERATOR_SET:
        return model
    try:
        raised = version_converter.convert_version(model.proto, LEAST_OPERATOR_SET)
        raised = onnx.shape_inference.infer_shapes(raised)
    except (RuntimeError, ValueError):  # an operator without a converter, a graph that is not of its operator set
        return model
    made = {tensor.name: tensor for tensor in raised.graph.initializer}
    own = {tensor.name for tensor in model.proto.graph.initializer}
    added = [tensor for name, tensor in made.items() if name not in own]
    kept = [made.get(tensor.name, tensor) for tensor in model.proto.graph.initializer]
    copies = [type(tensor).FromString(tensor.SerializeToString()) for tensor in (*added, *kept)]
    del raised.graph.initializer[:]
    raised.graph.initializer.extend(copies)
    return model.with_proto(raised, f"Raised from operator set {model.opset} to {LEAST_OPERATOR_SET}.")
