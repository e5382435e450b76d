"""Costs against numbers worked out by hand, and against the published totals of inswapper_128."""

from __future__ import annotations

import importlib.util
import time
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from converters.model.cost import measure_cost
from tests.model.small_graphs import graph, inswapper, node, weights

PUBLISHED_PARAMETERS = 138_292_739
PUBLISHED_GMACS = 174.575


def one(operator: str, inputs: dict[str, Any], output: list[int], constants: dict[str, Any], **attributes: Any) -> Any:
    names = [*inputs, *constants]
    proto = graph([node(operator, names, "y", **attributes)], inputs, {"y": output}, constants, opset=23)
    return measure_cost(proto)


def test_convolution() -> None:
    cost = one("Conv", {"x": [1, 6, 10, 12]}, [1, 8, 5, 6], {"w": weights(8, 3, 3, 3), "b": weights(8)}, group=2,
               strides=[2, 2], pads=[1, 1, 1, 1])  # fmt: skip
    assert cost.macs == 8 * 5 * 6 * 3 * 3 * 3
    assert cost.parameters == 8 * 3 * 3 * 3 + 8
    assert cost.bytes == cost.parameters * 4
    assert cost.layers[0].output_shape == (1, 8, 5, 6)
    assert cost.layers[0].activation_bytes == 8 * 5 * 6 * 4


def test_transposed_convolution() -> None:
    cost = one("ConvTranspose", {"x": [1, 6, 5, 7]}, [1, 4, 10, 14], {"w": weights(6, 4, 4, 4)}, strides=[2, 2],
               pads=[1, 1, 1, 1])  # fmt: skip
    assert cost.macs == 6 * 5 * 7 * 4 * 4 * 4


def test_products() -> None:
    assert one("Gemm", {"x": [2, 5]}, [2, 7], {"w": weights(7, 5), "b": weights(7)}, transB=1).macs == 2 * 5 * 7
    assert one("Gemm", {"x": [5, 2]}, [2, 7], {"w": weights(5, 7)}, transA=1).macs == 2 * 5 * 7
    assert one("MatMul", {"x": [3, 4, 5]}, [3, 4, 6], {"w": weights(5, 6)}).macs == 3 * 4 * 5 * 6
    assert one("Einsum", {"a": [2, 3, 4], "b": [2, 5, 4]}, [2, 3, 5], {}, equation="bij,bkj->bik").macs == 2 * 3 * 4 * 5
    assert one("Einsum", {"a": [2, 3]}, [3, 2], {}, equation="ij->ji").macs == 0


def test_attention_and_recurrence() -> None:
    shape = {"q": [1, 2, 5, 8], "k": [1, 2, 7, 8], "v": [1, 2, 7, 6]}
    assert one("Attention", shape, [1, 2, 5, 6], {}).macs == 2 * 5 * 7 * (8 + 6)
    packed = {"q": [1, 5, 16], "k": [1, 7, 16], "v": [1, 7, 12]}
    cost = one("Attention", packed, [1, 5, 12], {}, q_num_heads=2, kv_num_heads=2)
    assert cost.macs == 5 * 7 * (16 + 12)
    cost = one("LSTM", {"x": [3, 1, 5]}, [3, 1, 1, 4], {"w": weights(1, 16, 5), "r": weights(1, 16, 4)}, hidden_size=4)
    assert cost.macs == 3 * (16 * 5 + 16 * 4)


def test_elementwise_work_and_resizing_count_nothing() -> None:
    cost = one("Resize", {"x": [1, 3, 8, 8]}, [1, 3, 16, 16],
               {"roi": np.array([], np.float32), "s": np.array([1, 1, 2, 2], np.float32)}, mode="linear")  # fmt: skip
    assert (cost.macs, cost.parameters) == (0, 0), "scales are no parameters"
    assert cost.operators == {"Resize": 1}


def test_memory_is_freed_after_the_last_use() -> None:
    nodes = [
        node("Relu", ["x"], "a"),
        node("Reshape", ["a", "s"], "view"),
        node("Sigmoid", ["view"], "b"),
        node("Concat", ["b", "b"], "y", axis=1),
    ]
    proto = graph(nodes, {"x": [1, 100]}, {"y": [1, 200]}, {"s": np.array([1, 100], np.int64)})
    cost = measure_cost(proto)
    assert cost.total_activation_bytes == 4 * (100 + 100 + 100 + 200), "a view takes no memory"
    assert cost.peak_activation_bytes == 4 * (100 + 200), "x and a are gone when y is made"


def test_memory_of_a_branch_that_waits() -> None:
    nodes = [node("Relu", ["x"], "a"), node("Sigmoid", ["a"], "b"), node("Add", ["b", "x"], "y")]
    cost = measure_cost(graph(nodes, {"x": [1, 100]}, {"y": [1, 100]}))
    assert cost.peak_activation_bytes == 4 * 300


def test_shared_weights_count_once_and_unused_ones_apart() -> None:
    nodes = [node("MatMul", ["x", "w"], "a"), node("MatMul", ["a", "w"], "y")]
    proto = graph(nodes, {"x": [1, 6]}, {"y": [1, 6]}, {"w": weights(6, 6), "spare": weights(3, 3)})
    cost = measure_cost(proto)
    assert cost.parameters == 36
    assert cost.unused_parameters == {"spare": 9}
    assert [layer.parameters for layer in cost.layers] == [36, 0]
    assert cost.macs == 72


def test_unknown_sizes_are_named_not_guessed() -> None:
    proto = graph([node("MatMul", ["x", "w"], "y")], {"x": ["n", "m", 6]}, {"y": ["n", "m", 6]}, {"w": weights(6, 6)})
    cost = measure_cost(proto)
    assert cost.uncounted == ("MatMul_y",)
    assert cost.macs == 0


def test_shapes_that_old_graphs_compute_are_followed(shared: Path) -> None:
    cost = measure_cost(onnx.load(str(shared / "models" / "pfld.onnx")))
    assert cost.uncounted == ()
    assert next(layer for layer in cost.layers if layer.operator == "Gemm").macs == 176 * 136


def test_the_topology_of_inswapper_has_the_published_totals() -> None:
    cost = measure_cost(inswapper(1024))
    assert cost.parameters == PUBLISHED_PARAMETERS
    assert cost.gmacs == pytest.approx(PUBLISHED_GMACS, abs=0.001)
    assert cost.unused_parameters == {"emap": 512 * 512}


def test_the_stand_in_at_its_real_size(shared: Path) -> None:
    specification = importlib.util.spec_from_file_location("standin", shared / "tools" / "inswapper_standin.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    small = module.build(64)
    start = time.perf_counter()
    cost = measure_cost(_widened(small, 16))
    assert time.perf_counter() - start < 5
    assert cost.parameters == PUBLISHED_PARAMETERS
    assert cost.gmacs == pytest.approx(PUBLISHED_GMACS, abs=0.001)
    assert cost.unused_parameters == {"emap": 512 * 512}
    assert len(cost.layers) == 238


def _widened(proto: onnx.ModelProto, factor: int) -> onnx.ModelProto:
    """Return the stand-in of width 64 with the shapes of a wider one; its weights lose their bytes."""
    untouched = {"target", "source", "output"}
    for tensor in proto.graph.initializer:
        if tensor.name in untouched or tensor.name == "emap":
            continue
        if tensor.name.startswith("index_"):
            value = onnx.numpy_helper.to_array(tensor) * np.int64(factor)
            if int(value[0]) != factor:  # 1 is an axis, the others are channels
                tensor.CopyFrom(onnx.numpy_helper.from_array(value, tensor.name))
        elif tensor.name.endswith((".weight", ".bias")):
            is_linear = ".linear." in tensor.name
            for place in range(1 if is_linear else min(len(tensor.dims), 2)):
                if tensor.dims[place] != 3:
                    tensor.dims[place] *= factor
            size = int(np.prod(tensor.dims))
            tensor.raw_data = bytes(4 * size) if size < 1024 else b""
    return proto
