"""The ONNX project's backend node tests, made runnable: inputs can be baked into the graph as initializers."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np
import onnx
import torch
from onnx import numpy_helper

from converters.torch_import.importer import import_model

Arrays = dict[str, np.ndarray]


def collect() -> list[Any]:
    """Return the test cases that ship in the onnx package."""
    from onnx.backend.test.case.node import collect_testcases

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the generators compute overflows and NaNs on purpose
        return list(collect_testcases(None))


def as_array(value: Any) -> np.ndarray:
    """Return a test's value, which may be a TensorProto."""
    return numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else np.asarray(value)


def as_tensor(array: np.ndarray) -> torch.Tensor:
    if array.dtype.name == "bfloat16":
        return torch.from_numpy(array.view(np.int16).copy()).view(torch.bfloat16).reshape(array.shape)
    return torch.from_numpy(np.array(array))


def comparable(tensor: torch.Tensor) -> np.ndarray:
    return (tensor.float() if tensor.dtype is torch.bfloat16 else tensor).numpy()


def baked(model: onnx.ModelProto, names: Iterable[str], values: Arrays) -> onnx.ModelProto:
    """Return the graph with some inputs turned into initializers."""
    result = onnx.ModelProto()
    result.CopyFrom(model)
    wanted = set(names)
    kept = [value for value in result.graph.input if value.name not in wanted]
    del result.graph.input[:]
    result.graph.input.extend(kept)
    result.graph.initializer.extend(numpy_helper.from_array(values[name], name) for name in sorted(wanted))
    return result


def check(model: onnx.ModelProto, feeds: Arrays, expected: list[np.ndarray], rtol: float, atol: float) -> None:
    """Import a graph, run it and compare values, shapes and dtypes of every output."""
    module = import_model(model)
    with torch.no_grad():
        results = module(*(as_tensor(feeds[value.name]) for value in model.graph.input))
    assert len(results) == len(expected)
    for result, wanted in zip(results, expected, strict=True):
        assert str(result.dtype).removeprefix("torch.") == wanted.dtype.name
        assert tuple(result.shape) == wanted.shape
        target = wanted.astype(np.float32) if wanted.dtype.name == "bfloat16" else wanted
        np.testing.assert_allclose(comparable(result), target, rtol=rtol, atol=atol)
