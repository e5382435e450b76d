"""Steps: they change a copy, keep what it computes, and keep emap last."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from converters.errors import UsageError
from converters.model.graph import Model
from converters.model.rewrites.proof import prove
from converters.progress import Progress
from converters.registry import step
from tests.tiny_models import tiny_swapper


def with_idle_nodes() -> Model:
    """Return a swapper with two nodes that do nothing on the way to its output."""
    model = tiny_swapper()
    proto = onnx.ModelProto()
    proto.CopyFrom(model.proto)
    last = proto.graph.node[-1]
    last.output[0] = "almost"
    proto.graph.node.append(onnx.helper.make_node("Identity", ["almost"], ["again"], name="idle"))
    proto.graph.node.append(onnx.helper.make_node("Identity", ["again"], ["output"], name="idle_too"))
    return model.with_proto(proto)


def emap_of(model: Model) -> np.ndarray:
    last = model.proto.graph.initializer[-1]
    assert last.name == "emap"
    return onnx.numpy_helper.to_array(last)


@pytest.mark.parametrize("name", ["simplify", "rewrite"])
def test_a_step_keeps_what_the_model_computes_and_leaves_its_input_alone(name: str) -> None:
    model = with_idle_nodes()
    before = model.proto.SerializeToString(deterministic=True)
    result = step(name).run(model, {}, Progress())
    assert result.changed
    assert model.proto.SerializeToString(deterministic=True) == before
    assert prove(model, result.model).relative < 1e-4
    assert np.array_equal(emap_of(result.model), emap_of(model))
    assert result.model.proto.graph.initializer[-1].data_type == onnx.TensorProto.FLOAT
    assert result.notes


def test_simplify_removes_what_does_nothing_and_says_so() -> None:
    result = step("simplify").run(with_idle_nodes(), {}, Progress())
    assert not [node for node in result.model.proto.graph.node if node.op_type == "Identity"]
    assert "Simplified from" in result.notes[0]
    again = step("simplify").run(result.model, {}, Progress())
    assert not again.changed
    assert again.model is result.model


def test_rewrite_does_what_it_is_told() -> None:
    result = step("rewrite").run(tiny_swapper(), {"only": "reflect_pad"}, Progress())
    assert not [node for node in result.model.proto.graph.node if node.op_type == "Pad"]
    assert "Bit-identical" in result.notes[0]
    nothing = step("rewrite").run(tiny_swapper(), {"only": "prelu"}, Progress())
    assert not nothing.changed
    with pytest.raises(UsageError, match="Did you mean 'reflect_pad'"):
        step("rewrite").run(tiny_swapper(), {"only": "reflect_pads"}, Progress())
    with pytest.raises(UsageError, match="Did you mean 'only'"):
        step("rewrite").run(tiny_swapper(), {"onlly": ""}, Progress())
