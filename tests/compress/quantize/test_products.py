"""Layers as matrix products: rows times weights are what ONNX Runtime computes, position by position."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from converters.compress.quantize.data_free import weight_encoding
from converters.compress.quantize.layers import effective_weights, find_layers
from converters.compress.quantize.products import Product
from converters.model.graph import Model
from converters.model.graph_reading import GraphReading
from converters.runtimes.onnx import open_proto
from tests.compress.quantize.weight_methods import drawn_feeds
from tests.model.small_graphs import graph, model, node, weights

CONVOLUTIONS = {
    "plain": ((5, 4, 3, 3), {}),
    "groups": ((6, 2, 3, 3), {"group": 2}),
    "depth-wise": ((4, 1, 3, 3), {"group": 4, "pads": [1, 1, 1, 1]}),
    "depth-wise, two each": ((8, 1, 3, 3), {"group": 4}),
    "strides and dilations": ((5, 4, 3, 2), {"strides": [2, 1], "dilations": [1, 3]}),
    "uneven pads": ((5, 4, 3, 3), {"pads": [0, 2, 1, 0], "strides": [2, 2]}),
    "same upper": ((5, 4, 4, 3), {"auto_pad": "SAME_UPPER", "strides": [2, 2]}),
    "same lower": ((5, 4, 4, 3), {"auto_pad": "SAME_LOWER", "strides": [2, 3]}),
    "valid": ((5, 4, 2, 2), {"auto_pad": "VALID"}),
    "one axis": ((5, 4, 3), {"pads": [1, 1]}),
}


def of_convolution(kind: str) -> tuple[Model, list[int]]:
    shape, attributes = CONVOLUTIONS[kind]
    size = [2, 4, 9, 11][: len(shape)]
    nodes = [node("Conv", ["x", "w"], "y", **attributes)]
    return model(graph(nodes, {"x": size}, {"y": [2, shape[0], *"hw"[: len(shape) - 2]]}, {"w": weights(*shape)})), size


def of_matrix(kind: str) -> tuple[Model, list[int]]:
    nodes = {
        "gemm": node("Gemm", ["x", "w"], "y"),
        "gemm, transposed": node("Gemm", ["x", "w"], "y", transB=1),
        "matmul": node("MatMul", ["x", "w"], "y"),
        "matmul of three axes": node("MatMul", ["x", "w"], "y"),
    }
    size = [2, 5, 6] if "three" in kind else [7, 6]
    shape = (4, 6) if "transposed" in kind else (6, 4)
    made = graph([nodes[kind]], {"x": size}, {"y": [*size[:-1], 4]}, {"w": weights(*shape)})
    return model(made), size


def gap(given: Model, size: list[int], product: Product) -> float:
    """Return the largest difference between a product and ONNX Runtime, as a part of the largest result."""
    feed = drawn_feeds(size, 1)[0]
    with tempfile.TemporaryDirectory() as folder, open_proto(given.proto, Path(folder)) as session:
        wanted = np.asarray(session.run(feed)["y"], np.float32)
    chosen = np.random.default_rng(1).permutation(product.positions(wanted))
    rows = product.rows(feed["x"], wanted.shape, chosen)
    found = rows @ np.swapaxes(product.matrix(effective_weights(given.proto, None, "w")), 1, 2)
    mean = product.mean_row(feed["x"], wanted.shape)
    assert np.allclose(mean, rows.mean(axis=1, keepdims=True), atol=1e-5)
    return float(np.abs(found - product.results(wanted, chosen)).max() / np.abs(wanted).max())


def product_of(given: Model) -> Product:
    reading = GraphReading(given.proto)
    layer = find_layers(given.proto)[0]
    return Product.of(layer, reading.producers["y"], tuple(reading.initializers["w"].dims))


@pytest.mark.parametrize("kind", CONVOLUTIONS)
def test_convolutions(kind: str) -> None:
    given, size = of_convolution(kind)
    assert gap(given, size, product_of(given)) < 1e-5


@pytest.mark.parametrize("kind", ["gemm", "gemm, transposed", "matmul", "matmul of three axes"])
def test_matrix_products(kind: str) -> None:
    given, size = of_matrix(kind)
    assert gap(given, size, product_of(given)) < 1e-5


def test_the_wrong_geometry_is_seen() -> None:
    given, size = of_convolution("same upper")
    right = product_of(given)
    assert gap(given, size, replace(right, odd_pad_first=True)) > 0.1
    given, size = of_convolution("strides and dilations")
    assert gap(given, size, replace(product_of(given), dilations=(1, 1))) > 0.1


@pytest.mark.parametrize("kind", ["groups", "depth-wise, two each", "plain"])
@pytest.mark.parametrize("block", [0, 3])
def test_scales_lie_where_the_encoding_has_them(kind: str, block: int) -> None:
    given, _ = of_convolution(kind)
    product = product_of(given)
    values = effective_weights(given.proto, None, "w")
    encoding = weight_encoding(values, 4, 0, block)
    codes = encoding.quantize(values)
    matrix = product.matrix(codes)
    assert np.array_equal(product.weights(matrix), codes)
    assert np.array_equal(product.weights(matrix * product.scales(encoding)), encoding.dequantize(codes))


def test_scales_of_matrices() -> None:
    for kind in ("gemm", "gemm, transposed", "matmul"):
        given, _ = of_matrix(kind)
        product = product_of(given)
        values = effective_weights(given.proto, None, "w")
        encoding = weight_encoding(values, 4, product.layer.axis, 3)
        assert encoding.block == 3
        codes = encoding.quantize(values)
        found = product.weights(product.matrix(codes) * product.scales(encoding))
        assert np.array_equal(found, encoding.dequantize(codes))
