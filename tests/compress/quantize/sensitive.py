"""A small swapper of which one layer is quantized much too coarsely, and what searches are told and asked to stop."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from converters.compress.quantize.encode import encoding_of, make_encodings
from converters.compress.quantize.encodings import Encodings
from converters.compress.quantize.observe import observe
from converters.compress.quantize.settings import QuantizeSettings
from converters.model.graph import Model, SourceInfo
from converters.model.signature import Role, Signature, TensorInfo
from converters.progress import Progress
from tests.compress.quantize.drawn import DrawnSample
from tests.tiny_models import tiny_swapper

LAYERS = ("Conv:encoded", "Gemm:style", "Conv:drawn")
Feeds = dict[str, np.ndarray]


def feeds_of(count: int, first: int = 0) -> list[Feeds]:
    """Return noisy pictures and embeddings for the tiny swapper."""
    found = []
    for number in range(first, first + count):
        generator = np.random.default_rng(number)
        target = generator.uniform(0, 1, (1, 3, 32, 32)).astype(np.float32)
        found.append({"target": target, "source": generator.standard_normal((1, 16)).astype(np.float32) / 4})
    return found


def quantized_swapper(sensitive: str = "", seed: int = 0, by: float = 150.0) -> tuple[Model, Encodings]:
    """Return the tiny swapper with all three layers w8a8, and the range that one of them reads `by` times too wide."""
    model = tiny_swapper(seed=seed)
    samples = [DrawnSample(str(place), feeds) for place, feeds in enumerate(feeds_of(4, 100))]
    encodings = make_encodings(model, observe(model, samples), QuantizeSettings(families_defaults=False))
    assert tuple(encodings.layers) == LAYERS
    return model, too_coarse(encodings, sensitive, by) if sensitive else encodings


def too_coarse(encodings: Encodings, layer: str, by: float) -> Encodings:
    """Return Encodings in which what one layer reads has a range that is too wide."""
    known = encodings.layers[layer]
    assert known.input is not None
    wide = encoding_of(known.input.low * by, known.input.high * by, 8, False)
    return replace(encodings, layers={**encodings.layers, layer: replace(known, input=wide)})


def recogniser(seed: int = 0) -> Model:
    """Return a model that draws no picture: 1 x 32 -> 1 x 64, two matrix products."""
    generator = np.random.default_rng(seed)
    first, second = (generator.standard_normal((32 * scale, 64)).astype(np.float32) / 8 for scale in (1, 2))
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["input", "first"], ["hidden"], "one"),
            helper.make_node("Relu", ["hidden"], ["active"], "relu"),
            helper.make_node("MatMul", ["active", "second"], ["embedding"], "two"),
        ],
        "recogniser",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 32])],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, [1, 64])],
        [numpy_helper.from_array(first, "first"), numpy_helper.from_array(second, "second")],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)])
    proto.ir_version = 9
    signature = Signature(
        (TensorInfo("input", (1, 32)),), (TensorInfo("embedding", (1, 64), role=Role.EMBEDDING, layout="NC"),)
    )
    return Model(onnx.shape_inference.infer_shapes(proto), signature, "", SourceInfo("r.onnx", "onnx", "0" * 64, 1))


class StopAfter(Progress):
    """Cancels at the n-th report."""

    def __init__(self, reports: int) -> None:
        self.seen: list[str] = []
        super().__init__(lambda message: self.seen.append(message.detail), lambda: len(self.seen) >= reports)
