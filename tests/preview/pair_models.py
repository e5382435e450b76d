"""Small real models of every kind for the pairs, and frames of drawn people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx

from converters.face.faces import Picture
from converters.face.options import face_options
from converters.preview.pairs.base import Pair
from converters.preview.pairs.opening import open_pair
from converters.preview.request import ModelChoice
from converters.progress import Progress
from tests.face.detect.encoded import Known, always, ultraface
from tests.face.drawn import scene
from tests.face.nets import graph

PROGRESS = Progress()
FIVE = ((3, 110.0, 130.0), (8, 330.0, 120.0), (2, 540.0, 130.0), (9, 210.0, 350.0), (1, 450.0, 350.0))


def five_people() -> Picture:
    """Return a frame of five people who do not overlap."""
    return scene(FIVE, size=180)


@contextmanager
def pair_of(original: Path | str, candidate: Path | str | ModelChoice, **options: object) -> Iterator[Pair]:
    """Open a pair on one thread."""
    choice = candidate if isinstance(candidate, ModelChoice) else ModelChoice(str(candidate))
    with open_pair(ModelChoice(str(original)), choice, face_options(options), PROGRESS, threads=1) as pair:
        yield pair


def enhancer(path: Path, keep: float, side: int = 64, drawn: int = 64) -> Path:
    """Write an enhancer of GFPGAN's interface (-1..1): its input times `keep`, so that 0 draws grey."""
    scales = np.array([1, 1, drawn / side, drawn / side], np.float32)
    proto = graph(
        {"input": (1, 3, side, side)},
        {"output": (1, 3, drawn, drawn)},
        [
            ("Mul", ["input", "keep"], ["kept"], {}),
            ("Resize", ["kept", "", "scales"], ["output"], {"mode": "nearest"}),
        ],
        {"keep": np.float32(keep), "scales": scales},
    )
    onnx.save(proto, path)
    return path


def detector(path: Path, *boxes: tuple[float, float, float, float]) -> Path:
    """Write an UltraFace that always finds the same boxes, in pixels of a frame of 320 x 240."""
    return always(path, (1, 3, 240, 320), ultraface([Known(box, 0.9) for box in boxes], (240, 320)))


def landmarker(path: Path, shift: float = 0.0) -> Path:
    """Write a PFLD that always finds the same points, all of them so many sides of the crop too far to the right."""
    points = np.random.default_rng(1).uniform(0.2, 0.8, (68, 2)).astype(np.float32)
    points[:, 0] += shift
    return always(path, (1, 3, 112, 112), {"output": points.reshape(1, 136)})


def recogniser(path: Path, seed: int = 0, length: int = 512, keep: float = 1.0) -> Path:
    """Write a recogniser of random weights: `keep` of the usual ones, the rest of a seed's own."""
    usual = np.random.default_rng(0).normal(0, 0.1, (3 * 14 * 14, length))
    own = np.random.default_rng(seed).normal(0, 0.1, (3 * 14 * 14, length))
    proto = graph(
        {"input": (1, 3, 112, 112)},
        {"embedding": (1, length)},
        [
            ("AveragePool", ["input"], ["grid"], {"kernel_shape": [8, 8], "strides": [8, 8]}),
            ("Flatten", ["grid"], ["flat"], {}),
            ("MatMul", ["flat", "turn"], ["embedding"], {}),
        ],
        {"turn": (keep * usual + (1 - keep) * own).astype(np.float32)},
    )
    onnx.save(proto, path)
    return path


def turned(source: Path, path: Path, names: Mapping[str, str]) -> Path:
    """Write a model as other programs do: its edges renamed, its pictures NHWC, nothing said of its family."""
    proto = onnx.load(str(source))
    weights = {tensor.name for tensor in proto.graph.initializer}
    for edge in [*proto.graph.input, *proto.graph.output]:
        if edge.name in weights:
            continue
        inner, outer = edge.name, names[edge.name]
        sizes = [dim.dim_value for dim in edge.type.tensor_type.shape.dim]
        is_input = edge in proto.graph.input
        if len(sizes) == 4:
            order = [0, 3, 1, 2] if is_input else [0, 2, 3, 1]
            edges = ([outer], [inner]) if is_input else ([inner], [outer])
            node = onnx.helper.make_node("Transpose", *edges, perm=order)
            sizes = [sizes[axis] for axis in (0, 2, 3, 1)]
        else:
            edges = ([outer], [inner]) if is_input else ([inner], [outer])
            node = onnx.helper.make_node("Identity", *edges)
        proto.graph.node.insert(0 if is_input else len(proto.graph.node), node)
        edge.name = outer
        for dim, size in zip(edge.type.tensor_type.shape.dim, sizes, strict=True):
            dim.dim_value = size
    onnx.save(proto, path)
    return path
