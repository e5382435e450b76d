"""What a quantized `.tflite` cannot hold is said before work, with the layers' names; what one holds is counted."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from converters.compress.quantize.data_free import uniform_encodings
from converters.compress.quantize.encodings import Encoding, Encodings, LayerEncoding, Scheme
from converters.model.graph import Model
from converters.runtimes.base import Array
from converters.targets.base import Precision
from converters.targets.tflite_quantize_check import objections
from tests.targets.quantized import encoding_of
from tests.targets.test_tflite import small_model

FLOAT = TensorProto.FLOAT
CHANNELS = 4


def quantized(model: Model, read: Callable[[str], Encoding], **schemes: Scheme) -> Model:
    """Return a model whose layers all are w8a8, except those of `schemes`; `read` gives what a layer reads."""
    plain = uniform_encodings(model, Scheme.W8)
    layers = {
        name: LayerEncoding(Scheme.W8A8, item.weight, read(name), read(name))
        if schemes.get(name, Scheme.W8A8) is Scheme.W8A8
        else LayerEncoding(schemes[name], None if schemes[name] is Scheme.FLOAT else item.weight)
        for name, item in plain.layers.items()
    }
    return dataclasses.replace(model, encodings=Encodings(layers))


def against(model: Model, interface: str = "float") -> list[str]:
    return objections(model, Precision.INT8, interface)


def two_readers() -> Model:
    return small_model(
        [
            helper.make_node("Conv", ["x", "w"], ["y"], name="one"),
            helper.make_node("Conv", ["x", "v"], ["z"], name="two"),
        ],
        [("x", FLOAT, [1, 3, 8, 8])],
        [("y", FLOAT, [1, CHANNELS, 6, 6]), ("z", FLOAT, [1, CHANNELS, 6, 6])],
        {name: random(CHANNELS, 3, 3, 3) for name in "wv"},
    )


def random(*shape: int) -> Array:
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


def test_codes_at_the_edge_must_be_those_of_all_layers() -> None:
    model = two_readers()
    alike = quantized(model, lambda _: encoding_of(-1, 1, 8))
    assert against(alike, "int8") == []

    differing = quantized(model, lambda name: encoding_of(-1, 1 if name == "one" else 2, 8))
    assert against(differing) == []
    (sentence,) = against(differing, "int8")
    assert "x in one way" in sentence
    assert "(one, two)" in sentence
    assert "nearest: interface=float" in sentence

    fine = quantized(model, lambda name: encoding_of(-1, 1, 8 if name == "one" else 16))
    assert against(fine) == []
    sentences = against(fine, "int8")
    assert len(sentences) == 2  # x, which one of them reads in 16 bits, and z
    assert all("16 (two)" in sentence for sentence in sentences)


FACTORS = {
    "scalar": ("Mul", ()),
    "channels": ("Mul", (1, CHANNELS, 1, 1)),
    "divided": ("Div", (CHANNELS, 1, 1)),
    "norm": ("BatchNormalization", (CHANNELS,)),
}


def multiplied(kind: str, shape: tuple[int, ...], *, constant: bool = True) -> Model:
    size = [1, CHANNELS, 6, 6]
    inputs = ["c", "k"] if kind != "BatchNormalization" else ["c", "k", "k", "k", "k"]
    factor = np.full(shape, 1.5, np.float32)
    given = [] if constant else [("k", FLOAT, list(shape))]
    return small_model(
        [helper.make_node("Conv", ["x", "w"], ["c"], name="scaled"), helper.make_node(kind, inputs, ["y"])],
        [("x", FLOAT, [1, 3, 8, 8]), *given],
        [("y", FLOAT, size)],
        {"w": random(CHANNELS, 3, 3, 3), **({"k": factor} if constant else {})},
    )


@pytest.mark.parametrize("case", FACTORS)
def test_factors_that_converters_put_into_weights(case: str) -> None:
    model = multiplied(*FACTORS[case])
    (sentence,) = against(quantized(model, lambda _: encoding_of(-1, 1, 8)))
    assert "(scaled)" in sentence
    assert "nearest: float" in sentence
    assert against(quantized(model, lambda _: encoding_of(-1, 1, 8), scaled=Scheme.FLOAT)) == []
    assert any("(scaled)" in sentence for sentence in objections(model, Precision.INT8_DYNAMIC, "float"))


def test_factors_that_stay_in_the_graph() -> None:
    def fine(model: Model) -> bool:
        return against(quantized(model, lambda _: encoding_of(-1, 1, 8))) == []

    assert fine(multiplied("Mul", (1, CHANNELS, 1, 1), constant=False))
    assert fine(multiplied("Mul", (1, CHANNELS, 6, 6)))
    assert fine(multiplied("Mul", (6,)))
    assert fine(multiplied("Add", (1, CHANNELS, 1, 1)))
    read_twice = multiplied("Mul", ())
    twice = onnx.ModelProto()
    twice.CopyFrom(read_twice.proto)
    twice.graph.node.append(helper.make_node("Abs", ["c"], ["further"]))
    assert fine(dataclasses.replace(read_twice, proto=twice))


def test_convolutions_of_volumes() -> None:
    model = small_model(
        [helper.make_node("Conv", ["x", "w"], ["y"], name="volume")],
        [("x", FLOAT, [1, 3, 5, 8, 8])],
        [("y", FLOAT, [1, CHANNELS, 3, 6, 6])],
        {"w": random(CHANNELS, 3, 3, 3, 3)},
    )
    (sentence,) = against(quantized(model, lambda _: encoding_of(-1, 1, 8)))
    assert "volumes (volume)" in sentence
    assert against(quantized(model, lambda _: encoding_of(-1, 1, 8), volume=Scheme.FLOAT)) == []
