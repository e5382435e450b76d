"""The measures of a preview: the same numbers as the comparison of pictures, for crops and for whole frames."""

from __future__ import annotations

import numpy as np
import pytest

from converters.face.faces import Detection, Face
from converters.measure.flip import flip
from converters.measure.image import psnr
from converters.measure.lpips import Lpips
from converters.preview.measures import HIGHEST_PSNR, Measures
from converters.preview.pairs.base import PairCrop, PairResult
from converters.preview.request import Overlay
from tests.measure.drawn import portrait

SIZE = (640, 360)


def result(worse: float) -> PairResult:
    """Two crops, the second of which the candidate drew worse."""
    drawn = portrait().astype(np.float32) / 255
    noise = np.random.default_rng(0).normal(0, worse, drawn.shape).astype(np.float32)
    points = np.zeros((5, 2), np.float32)
    matrix = np.array([[1.0, 0, -30], [0, 1.0, -40]])
    face = Face(Detection((30, 40, 158, 168), 1.0, points), points, identity=3)
    crops = (
        PairCrop(face, matrix, drawn, drawn.copy(), 0),
        PairCrop(face, matrix, drawn, np.clip(drawn + noise, 0, 1), 0),
    )
    frame = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    return PairResult(frame, frame, (face, face), crops, {})


@pytest.mark.parametrize("overlay", [Overlay.NONE, Overlay.LPIPS, Overlay.FLIP, Overlay.DIFFERENCE])
def test_crops_are_measured_as_pictures_are(overlay: Overlay) -> None:
    given = result(0.1)
    with Measures() as measures, Lpips() as lpips:
        judged = measures.judge(given, [None, (0.5, 0.25)], overlay, is_whole=False, full_size=SIZE)
        same, worse = judged.faces
        pair = given.crops[1].original, given.crops[1].candidate
        assert worse.lpips == pytest.approx(lpips.distance(*pair), abs=1e-5)
        assert worse.psnr == pytest.approx(psnr(*pair))
        assert worse.lpips is not None
        assert worse.lpips > 0.1
        assert (same.lpips, same.psnr) == (pytest.approx(0.0, abs=1e-6), HIGHEST_PSNR)
        assert (same.original_cosine, worse.original_cosine, worse.candidate_cosine) == (None, 0.5, 0.25)
        assert (worse.identity, worse.box) == (3, (30, 40, 158, 168))
        assert len(judged.maps) == (2 if overlay in (Overlay.LPIPS, Overlay.FLIP) else 0)
        assert (worse.flip is not None) == (overlay is Overlay.FLIP)
        if overlay is Overlay.FLIP:
            assert worse.flip == pytest.approx(flip(*pair)[0])
        if overlay is Overlay.LPIPS:
            assert judged.maps[1].values.mean() == pytest.approx(worse.lpips, rel=0.2)
            assert judged.maps[0].values.max() == pytest.approx(0.0, abs=1e-6)


def test_boxes_are_those_of_the_captured_frame() -> None:
    with Measures() as measures:
        judged = measures.judge(result(0.1), (), Overlay.NONE, is_whole=False, full_size=SIZE, scale=0.5)
    assert judged.faces[0].box == (60, 80, 316, 336)


def test_a_drawn_frame_is_measured_as_a_whole() -> None:
    frame = np.random.default_rng(0).integers(0, 255, (SIZE[1], SIZE[0], 3), np.uint8)
    worse = frame.copy()
    worse[200:300, 100:300] = 0
    given = PairResult(frame, worse, (), (), {})
    with Measures() as measures:
        judged = measures.judge(given, (), Overlay.LPIPS, is_whole=True, full_size=(1280, 720))
    (face,), (where,) = judged.faces, judged.maps
    assert (face.identity, face.box) == (None, (0, 0, 1280, 720))
    assert face.lpips is not None
    assert face.lpips > 0.05
    assert min(where.values.shape) == 256
    assert face.psnr == pytest.approx(psnr(frame, worse), abs=0.01)
    inside = where.matrix[:, :2] @ (200, 250) + where.matrix[:, 2]
    column, row = np.rint(inside).astype(int)
    assert where.values[row, column] > 3 * np.median(where.values)


def test_noise_on_a_drawn_frame_is_not_averaged_away() -> None:
    frame = np.full((*SIZE[::-1], 3), 128, np.uint8)
    noise = np.random.default_rng(0).normal(0, 12, frame.shape)
    noisy = np.clip(frame + noise, 0, 255).astype(np.uint8)
    with Measures() as measures:
        for candidate, expected in ((noisy, psnr(frame, noisy)), (frame, HIGHEST_PSNR)):
            given = PairResult(frame, candidate, (), (), {})
            (face,) = measures.judge(given, (), Overlay.NONE, is_whole=True, full_size=SIZE).faces
            assert face.psnr == pytest.approx(expected, abs=0.01)
