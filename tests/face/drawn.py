"""Drawn people for the tests of the face pipeline, and networks that do something one can check by eye."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from converters.face.faces import Picture
from converters.face.options import FaceOptions, face_options
from converters.face.pipeline import FacePipeline
from converters.samples import draw_picture

BACKGROUND = (96, 110, 124)
Opener = Callable[..., FacePipeline]


def options(nets: SimpleNamespace, **given: object) -> FaceOptions:
    """Return options for the drawn swappers."""
    return face_options({"family": "inswapper_like", "embedder": str(nets.embedder), **given})


def change(one: Picture, other: Picture) -> np.ndarray:
    """Return how much each pixel changed, height x width, of its three channels the most."""
    return np.abs(one.astype(int) - other).max(axis=2)


def portrait(seed: int, size: int = 256) -> Picture:
    """Return a drawn person before a plain wall, wide enough for a detector: 2 x size high and wide."""
    return scene([(seed, size, size)], width=2 * size, height=2 * size, size=size)


def scene(
    people: Sequence[tuple[int, float, float]], *, width: int = 640, height: int = 480, size: int = 200
) -> Picture:
    """Return drawn people (seed, x and y of the middle) before a plain wall; the last stands in front."""
    frame = np.full((height, width, 3), BACKGROUND, np.uint8)
    for seed, x, y in people:
        person = _person(seed, size)
        matrix = np.float64([[1, 0, x - size / 2], [0, 1, y - size / 2]])
        cv2.warpAffine(person, matrix, (width, height), frame, borderMode=cv2.BORDER_TRANSPARENT)
    return frame


@cache
def _person(seed: int, size: int) -> Picture:
    return np.asarray(cv2.resize(draw_picture(seed), (size, size), interpolation=cv2.INTER_AREA), np.uint8)


def save(
    path: Path,
    nodes: Sequence[onnx.NodeProto],
    inputs: dict[str, Sequence[int]],
    outputs: dict[str, Sequence[int]],
    constants: dict[str, np.ndarray],
) -> Path:
    """Write a graph."""
    graph = helper.make_graph(
        list(nodes),
        path.stem,
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape)) for name, shape in inputs.items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape)) for name, shape in outputs.items()],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def swapper(
    path: Path,
    *,
    keep: float = 1.0,
    paint: float = 0.0,
    side: int = 128,
    believes_left: bool = False,
    emap: np.ndarray | None = None,
) -> Path:
    """Write a swapper of inswapper's interface: output = keep * target + paint * (a colour that the source decides).

    Args:
        path: where.
        keep, paint: as above.
        side: of its crops.
        believes_left: give a mask, too: of the left half.
        emap: 512 x 512; the identity where it is not given.
    """
    pick = np.zeros((512, 3), np.float32)
    pick[:3] = 8 * np.eye(3)
    node = helper.make_node
    nodes = [
        node("MatMul", ["source", "pick"], ["picked"]),
        node("Sigmoid", ["picked"], ["level"]),
        node("Reshape", ["level", "shape"], ["colour"]),
        node("Mul", ["target", "keep"], ["kept"]),
        node("Mul", ["colour", "paint"], ["painted"]),
        node("Add", ["kept", "painted"], ["output"]),
    ]
    constants = {
        "pick": pick,
        "shape": np.int64([1, 3, 1, 1]),
        "keep": np.float32(keep),
        "paint": np.float32(paint),
        "emap": np.eye(512, dtype=np.float32) if emap is None else emap,
    }
    picture = (1, 3, side, side)
    outputs = {"output": picture}
    if believes_left:
        half = np.zeros((1, 1, side, side), np.float32)
        half[..., : side // 2] = 1
        constants |= {"half": half, "nothing": np.float32(0)}
        nodes += [
            node("ReduceMean", ["target"], ["grey"], axes=[1], keepdims=1),
            node("Mul", ["grey", "nothing"], ["zero"]),
            node("Add", ["zero", "half"], ["mask"]),
        ]
        outputs["mask"] = (1, 1, side, side)
    return save(path, nodes, {"target": picture, "source": (1, 512)}, outputs, constants)


def copier(path: Path, side: int) -> Path:
    """Write a swapper that takes a picture of the source, 3 x side x side, and paints the mean of its lower half."""
    node = helper.make_node
    nodes = [
        node("Slice", ["source", "start", "end", "axis"], ["lower"]),
        node("ReduceMean", ["lower"], ["colour"], axes=[2, 3], keepdims=1),
        node("Mul", ["target", "nothing"], ["zero"]),
        node("Add", ["zero", "colour"], ["output"]),
    ]
    constants = {
        "start": np.int64([side // 2]),
        "end": np.int64([side]),
        "axis": np.int64([2]),
        "nothing": np.float32(0),
    }
    picture = (1, 3, 256, 256)
    return save(path, nodes, {"target": picture, "source": (1, 3, side, side)}, {"output": picture}, constants)


def crossface(path: Path, matrix: np.ndarray) -> Path:
    """Write a converter of embeddings: raw @ matrix, 512 x 512."""
    nodes = [helper.make_node("MatMul", ["input", "matrix"], ["output"])]
    return save(path, nodes, {"input": (1, 512)}, {"output": (1, 512)}, {"matrix": matrix})


def painted_colour(embedding: np.ndarray) -> np.ndarray:
    """Return the colour, 0..255, that `swapper` paints for a raw embedding through an emap that changes nothing."""
    latent = embedding[:3] / np.linalg.norm(embedding)
    return np.asarray(255 / (1 + np.exp(-8 * latent)))


def embedder(path: Path) -> Path:
    """Write a recogniser: colours of an 8 x 8 grid of the crop, turned at random."""
    turn = np.random.default_rng(0).normal(0, 1 / 14, (3 * 14 * 14, 512)).astype(np.float32)
    node = helper.make_node
    nodes = [
        node("AveragePool", ["input"], ["grid"], kernel_shape=[8, 8], strides=[8, 8]),
        node("ReduceMean", ["grid"], ["mean"], axes=[1, 2, 3], keepdims=1),
        node("Sub", ["grid", "mean"], ["centred"]),
        node("Flatten", ["centred"], ["flat"]),
        node("MatMul", ["flat", "turn"], ["embedding"]),
    ]
    return save(path, nodes, {"input": (1, 3, 112, 112)}, {"embedding": (1, 512)}, {"turn": turn})


def negative(path: Path, side: int = 64, *, weighted: bool = False) -> Path:
    """Write a network that turns a picture into its negative; with an input `weight`, times that."""
    picture = (1, 3, side, side)
    node = helper.make_node
    nodes = [node("Sub", ["one", "picture"], ["drawn"])]
    inputs: dict[str, Sequence[int]] = {"picture": picture}
    if weighted:
        nodes = [node("Sub", ["one", "picture"], ["other"]), node("Mul", ["other", "weight"], ["drawn"])]
        inputs["weight"] = (1,)
    return save(path, nodes, inputs, {"drawn": picture}, {"one": np.float32(1)})


def left_half(path: Path, side: int = 64) -> Path:
    """Write a masker of XSeg's interface (NHWC) that believes in the left half of every crop."""
    half = np.zeros((1, side, side, 1), np.float32)
    half[:, :, : side // 2] = 1
    node = helper.make_node
    nodes = [
        node("ReduceMean", ["input"], ["grey"], axes=[3], keepdims=1),
        node("Mul", ["grey", "nothing"], ["zero"]),
        node("Add", ["zero", "half"], ["mask"]),
    ]
    constants = {"half": half, "nothing": np.float32(0)}
    return save(path, nodes, {"input": (1, side, side, 3)}, {"mask": (1, side, side, 1)}, constants)


def not_black(path: Path, side: int = 64) -> Path:
    """Write a masker of XSeg's interface that believes in everything that is not black."""
    node = helper.make_node
    nodes = [
        node("ReduceMean", ["input"], ["grey"], axes=[3], keepdims=1),
        node("Mul", ["grey", "much"], ["bright"]),
        node("Clip", ["bright", "low", "high"], ["mask"]),
    ]
    constants = {"much": np.float32(100), "low": np.float32(0), "high": np.float32(1)}
    return save(path, nodes, {"input": (1, side, side, 3)}, {"mask": (1, side, side, 1)}, constants)


def black_is_skin(path: Path, side: int = 64) -> Path:
    """Write a masker of BiSeNet's interface that takes black pixels for skin and all others for hair."""
    weights = np.zeros((19, 3, 1, 1), np.float32)
    weights[17] = 1
    bias = np.full(19, -1, np.float32)
    bias[1], bias[17] = 0.05, 0
    nodes = [helper.make_node("Conv", ["input", "weights", "bias"], ["classes"])]
    edges = {"input": (1, 3, side, side)}, {"classes": (1, 19, side, side)}
    return save(path, nodes, *edges, {"weights": weights, "bias": bias})
