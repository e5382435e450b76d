"""Signatures: facts for known families, honest guesses for everything else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from converters.model.signature import ColourOrder, Role
from converters.model.understand import default_shapes, describe
from tests.model.small_graphs import graph, inswapper, node, weights


def test_a_known_family_brings_colour_range_and_normalisation() -> None:
    signature, identifier = describe(inswapper(1024))
    assert identifier == "inswapper_128"
    target, source = signature.input("target"), signature.input("source")
    assert (target.role, target.layout, target.colour) == (Role.IMAGE, "NCHW", ColourOrder.RGB)
    assert target.value_range == (0.0, 1.0)
    assert (target.mean, target.std) == ((0.0,) * 3, (1.0,) * 3)
    assert (source.role, source.layout, source.colour, source.mean) == (Role.EMBEDDING, "NC", None, ())
    assert signature.outputs[0].role is Role.IMAGE
    assert [tensor.name for tensor in signature.inputs] == ["target", "source"]


def test_an_unknown_model_gets_roles_by_shape_and_nothing_invented() -> None:
    nodes = [
        node("Conv", ["photo", "w"], "picture", pads=[1, 1, 1, 1]),
        node("MatMul", ["code", "m"], "latent"),
        node("Mul", ["latent", "strength"], "scaled"),
    ]
    constants = {"w": weights(3, 3, 3, 3), "m": weights(512, 256)}
    inputs = {"photo": [1, 3, 40, 48], "code": [1, 512], "strength": [1]}
    proto = graph(nodes, inputs, {"picture": [1, 3, 40, 48], "scaled": [1, 256]}, constants)
    signature, identifier = describe(proto)
    assert identifier == ""
    roles = {tensor.name: tensor.role for tensor in (*signature.inputs, *signature.outputs)}
    assert roles == {
        "photo": Role.IMAGE,
        "code": Role.EMBEDDING,
        "strength": Role.PARAMETER,
        "picture": Role.IMAGE,
        "scaled": Role.EMBEDDING,
    }
    photo = signature.input("photo")
    assert (photo.colour, photo.value_range, photo.mean, photo.std) == (None, None, (), ())
    assert photo.layout == "NCHW"


@pytest.mark.parametrize(
    ("shape", "role"),
    [
        ([1, 4420, 4], Role.BOXES),
        ([1, 4420, 2], Role.SCORES),
        ([1, 68, 2], Role.LANDMARKS),
        ([1, 136], Role.LANDMARKS),
        ([1, 512], Role.EMBEDDING),
        ([1, 1, 64, 64], Role.MASK),
        ([1, 19, 64, 64], Role.FEATURES),
        ([1, 64, 64, 3], Role.IMAGE),
        ([1, 3, 4, 4], Role.FEATURES),
    ],
)
def test_outputs_are_guessed_from_their_shape(shape: list[int], role: Role) -> None:
    proto = graph([node("Relu", ["x"], "y")], {"x": shape}, {"y": shape})
    assert describe(proto)[0].outputs[0].role is role


def test_weights_listed_as_inputs_are_none() -> None:
    proto = graph([node("MatMul", ["x", "w"], "y")], {"x": [1, 4]}, {"y": [1, 4]}, {"w": np.eye(4, dtype=np.float32)})
    proto.graph.input.append(onnx.helper.make_tensor_value_info("w", 1, [4, 4]))
    assert [tensor.name for tensor in describe(proto)[0].inputs] == ["x"]


def test_default_shapes_come_from_the_family(shared: Path) -> None:
    assert default_shapes(onnx.load(str(shared / "models" / "pfld.onnx"))) == {"input": (1, 3, 112, 112)}
    assert default_shapes(onnx.load(str(shared / "models" / "yunet_n_dynamic.onnx"))) == {"input": (1, 3, 640, 640)}
    ultraface = onnx.load(str(shared / "models" / "ultraface_version-RFB-320.onnx"))
    assert default_shapes(ultraface) == {}, "nothing is dynamic"


def test_default_shapes_of_unknown_models_are_unknown() -> None:
    proto = graph([node("Relu", ["x"], "y")], {"x": ["N", 3, "H", "W"]}, {"y": ["N", 3, "H", "W"]})
    assert default_shapes(proto) == {}


def test_a_dynamic_batch_of_a_known_family_becomes_one() -> None:
    proto = inswapper(1024)
    for value in proto.graph.input:
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    assert default_shapes(proto) == {"target": (1, 3, 128, 128), "source": (1, 512)}
