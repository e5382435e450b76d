"""Known faces written the way each detector writes its outputs, and ONNX files that always answer with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

STRIDES = (8, 16, 32)
Outputs = dict[str, np.ndarray]


@dataclass(frozen=True)
class Known:
    """A face on a canvas: box and points in canvas pixels, the centre of the first pixel is (0, 0)."""

    box: tuple[float, float, float, float]
    score: float

    @property
    def points(self) -> np.ndarray:
        left, top, right, bottom = self.box
        inside = np.array([[0.3, 0.4], [0.72, 0.38], [0.5, 0.6], [0.35, 0.8], [0.68, 0.78]])
        return inside * [right - left, bottom - top] + [left, top]

    @property
    def middle(self) -> np.ndarray:
        left, top, right, bottom = self.box
        return np.array([(left + right) / 2, (top + bottom) / 2])

    @property
    def size(self) -> np.ndarray:
        left, top, right, bottom = self.box
        return np.array([right - left, bottom - top])

    def nearest(self, stride: int, canvas: tuple[int, int], offset: float = 0.0) -> tuple[int, int]:
        """Row and column of the cell whose place is nearest to the face's middle."""
        rows, columns = -(-canvas[0] // stride), -(-canvas[1] // stride)
        column, row = np.round(self.middle / stride - offset).astype(int)
        return int(np.clip(row, 0, rows - 1)), int(np.clip(column, 0, columns - 1))


def insightface(faces: Sequence[Known], canvas: tuple[int, int]) -> Outputs:
    """Distances in strides; each face on every map, twice at its cell, best on the middle one."""
    outputs: Outputs = {}
    for kind, columns in (("score", 1), ("box", 4), ("points", 10)):
        for stride in STRIDES:
            rows = (canvas[0] // stride) * (canvas[1] // stride) * 2
            outputs[f"{kind}_{stride}"] = np.zeros((rows, columns), np.float32)
    for face in faces:
        for stride in STRIDES:
            row, column = face.nearest(stride, canvas)
            at = (row * (canvas[1] // stride) + column) * 2
            place = np.array([column, row]) * stride
            for anchor in (at, at + 1):
                outputs[f"score_{stride}"][anchor] = face.score - (0.05 if stride != 16 or anchor != at else 0)
                outputs[f"box_{stride}"][anchor] = (
                    np.concatenate([place - np.array(face.box[:2]), np.array(face.box[2:]) - place]) / stride
                )
                outputs[f"points_{stride}"][anchor] = ((face.points - place) / stride).reshape(-1)
    return outputs


def yunet(faces: Sequence[Known], canvas: tuple[int, int]) -> Outputs:
    """Class and objectness whose product is the score, middles in strides, logarithms of sizes."""
    outputs: Outputs = {}
    for kind, columns in (("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10)):
        for stride in STRIDES:
            outputs[f"{kind}_{stride}"] = np.zeros(
                (1, (canvas[0] // stride) * (canvas[1] // stride), columns), np.float32
            )
    for face in faces:
        row, column = face.nearest(16, canvas)
        at = row * (canvas[1] // 16) + column
        place = np.array([column, row]) * 16
        outputs["cls_16"][0, at], outputs["obj_16"][0, at] = 0.98, face.score / 0.98
        outputs["bbox_16"][0, at] = np.concatenate([(face.middle - place) / 16, np.log(face.size / 16)])
        outputs["kps_16"][0, at] = ((face.points - place) / 16).reshape(-1)
    return outputs


def yolo_face(faces: Sequence[Known], canvas: tuple[int, int]) -> Outputs:
    """One table of 20 rows, canvas pixels."""
    anchors = sum((canvas[0] // stride) * (canvas[1] // stride) for stride in STRIDES)
    table = np.zeros((1, 20, anchors), np.float32)
    for number, face in enumerate(faces):
        for copy in range(3):
            column = 1000 * (number + 1) + copy
            points = np.column_stack([face.points, np.full(5, 0.9)]).reshape(-1)
            table[0, :, column] = [*face.middle, *face.size, face.score - 0.1 * copy, *points]
    return {"output0": table}


def retinaface_mobilenet(faces: Sequence[Known], canvas: tuple[int, int]) -> Outputs:
    """Offsets from the prior of 64 pixels on the map of stride 16, in a tenth of its side; logarithms in a fifth."""
    per_map = [(-(-canvas[0] // stride)) * (-(-canvas[1] // stride)) * 2 for stride in STRIDES]
    total = sum(per_map)
    outputs = {
        "loc": np.zeros((1, total, 4), np.float32),
        "conf": np.tile(np.array([1, 0], np.float32), (1, total, 1)),
        "landms": np.zeros((1, total, 10), np.float32),
    }
    for face in faces:
        row, column = face.nearest(16, canvas, 0.5)
        at = per_map[0] + (row * (-(-canvas[1] // 16)) + column) * 2
        place = (np.array([column, row]) + 0.5) * 16
        outputs["conf"][0, at] = 1 - face.score, face.score
        offsets = (face.middle - place) / 64 / 0.1
        outputs["loc"][0, at] = np.concatenate([offsets, np.log(face.size / 64) / 0.2])
        outputs["landms"][0, at] = ((face.points - place) / 64 / 0.1).reshape(-1)
    return outputs


def ultraface(faces: Sequence[Known], canvas: tuple[int, int]) -> Outputs:
    """Corners in fractions of the canvas, from the edge of the first pixel."""
    total = 4420
    boxes = np.tile(np.array([0.1, 0.1, 0.2, 0.2], np.float32), (1, total, 1))
    scores = np.tile(np.array([1, 0], np.float32), (1, total, 1))
    for number, face in enumerate(faces):
        size = np.array([canvas[1], canvas[0]] * 2)
        boxes[0, 17 * number] = (np.array(face.box) + 0.5) / size
        scores[0, 17 * number] = 1 - face.score, face.score
    return {"scores": scores, "boxes": boxes}


def always(path: Path, shape: Sequence[int], outputs: Mapping[str, np.ndarray]) -> Path:
    """Write an ONNX file with one picture input that answers every picture with the same outputs."""
    nodes = [
        helper.make_node("ReduceMean", ["input", "axes"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
    ]
    constants = [
        numpy_helper.from_array(np.arange(len(shape), dtype=np.int64), "axes"),
        numpy_helper.from_array(np.float32(0), "zero"),
    ]
    for name, values in outputs.items():
        constants.append(numpy_helper.from_array(values, f"{name}.value"))
        nodes.append(helper.make_node("Add", [f"{name}.value", "nothing"], [name]))
    graph = helper.make_graph(
        nodes,
        "always",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, list(shape))],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, list(values.shape))
            for name, values in outputs.items()
        ],
        constants,
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)
    return path
