"""Every kind of mask through the whole pipeline, and the enhancer behind it; each beside a twin without the mask."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from converters.errors import UnsupportedError
from converters.face.enhance import FaceEnhancer, ImageToImage
from converters.face.faces import Picture
from converters.face.masks import Occluder, RegionMasker
from converters.face.pipeline import ProcessedFrame
from tests.face.drawn import (
    Opener,
    black_is_skin,
    change,
    left_half,
    negative,
    not_black,
    scene,
    swapper,
)
from tests.face.nets import copying, plain, watched

FRAME = scene([(3, 320, 240)])


def halves(done: ProcessedFrame, frame: Picture = FRAME) -> tuple[float, float]:
    """Return the share of changed pixels left and right of the nose, some pixels away from it."""
    x, y = done.faces[0].points[2].astype(int)
    changed = change(done.frame, frame)[y - 20 : y + 20] > 8
    return float(changed[:, x - 50 : x - 10].mean()), float(changed[:, x + 12 : x + 50].mean())


def test_area(nets: SimpleNamespace, open_pipeline: Opener) -> None:
    whole = open_pipeline(nets.paint).process(FRAME)
    done = open_pipeline(nets.paint, mask="box,area", areas="mouth").process(FRAME)
    count, all_of_it = (change(each.frame, FRAME) > 8 for each in (done, whole))
    assert 0 < count.sum() < 0.2 * all_of_it.sum()
    rows = np.flatnonzero(count.any(axis=1))
    eyes, mouth = done.faces[0].points[:2, 1].mean(), done.faces[0].points[3:, 1].mean()
    assert eyes < rows.min() < mouth


def test_occlusion(nets: SimpleNamespace, open_pipeline: Opener, tmp_path: Path) -> None:
    occluder = str(left_half(tmp_path / "occluder.onnx"))
    done = open_pipeline(nets.half, mask="box,occlusion", occluder=occluder).process(FRAME)
    assert halves(done)[0] > 0.9
    assert halves(done)[1] == 0
    assert halves(open_pipeline(nets.half, occluder=occluder).process(FRAME))[1] > 0.9


def test_occlusion_is_looked_for_before_the_swap(nets: SimpleNamespace, open_pipeline: Opener, tmp_path: Path) -> None:
    """What is not black is face: so the face that a swapper draws black would be hidden, if it were asked about."""
    pipeline = open_pipeline(nets.black, mask="box,occlusion", occluder=str(not_black(tmp_path / "occluder.onnx")))
    done = pipeline.process(FRAME)
    assert min(halves(done)) > 0.9
    crop = pipeline.crop(FRAME, done.faces[0])
    result = pipeline.stage.draw(crop)
    right = pipeline.mask(crop, result).copy()
    crop.pixels[...] = result.crop  # the twin asks about the drawing
    assert right.mean() > 0.5
    assert pipeline.mask(crop, result).max() == 0


def test_regions_are_looked_for_after_the_swap(nets: SimpleNamespace, open_pipeline: Opener, tmp_path: Path) -> None:
    """Black is skin: before the swap there would be none."""
    masker = str(black_is_skin(tmp_path / "masker.onnx"))
    for model, regions, share in ((nets.black, "skin", 1), (nets.black, "nose", 0), (nets.half, "skin", 0)):
        done = open_pipeline(model, mask="box,region", region_masker=masker, regions=regions).process(FRAME)
        assert len(done.crops) == 1
        if share:
            assert min(halves(done)) > 0.9
        else:
            assert np.array_equal(done.frame, FRAME)


def test_the_swappers_own_mask(open_pipeline: Opener, tmp_path: Path) -> None:
    """A swapper of hyperswap's interface, with its mask and without; with pixel boost, too."""
    believing = swapper(tmp_path / "believing.onnx", keep=0.5, side=256, believes_left=True)
    sure = swapper(tmp_path / "sure.onnx", keep=0.5, side=256)
    for boost in (1, 2):
        done = open_pipeline(believing, family="hyperswap_1a_256", pixel_boost=boost).process(FRAME)
        assert halves(done)[0] > 0.9
        assert halves(done)[1] == 0
    assert halves(open_pipeline(sure, family="hyperswap_1a_256").process(FRAME))[1] > 0.9


# the enhancer ---------------------------------------------------------------------------------------------------------


def test_the_enhancer_leaves_what_covers_the_face(nets: SimpleNamespace, open_pipeline: Opener, tmp_path: Path) -> None:
    enhancer, occluder = str(negative(tmp_path / "n.onnx", 128)), str(left_half(tmp_path / "occluder.onnx"))
    given = {"enhancer": enhancer, "occluder": occluder, "enhancer_mix": 1.0}
    done = open_pipeline(nets.same, mask="box,occlusion", **given).process(FRAME)
    assert halves(done)[0] > 0.9
    assert halves(done)[1] == 0
    assert halves(open_pipeline(nets.same, **given).process(FRAME))[1] > 0.9


def test_what_covers_a_face_is_looked_for_where_nothing_was_swapped(
    nets: SimpleNamespace, open_pipeline: Opener, tmp_path: Path
) -> None:
    """The swap is black, which the occluder takes for covered; the face before it was not."""
    given = {"enhancer": str(negative(tmp_path / "n.onnx", 128)), "enhancer_mix": 1.0, "mask": "box,occlusion"}
    pipeline = open_pipeline(nets.black, occluder=str(not_black(tmp_path / "occluder.onnx")), **given)
    done = pipeline.process(FRAME)
    x, y = done.faces[0].points[2].astype(int)
    assert done.frame[y, x].min() > 240, "the negative of black"
    swapped = open_pipeline(nets.black).process(FRAME).frame.copy()
    wrong = swapped.copy()
    pipeline.enhance(wrong, swapped, done.faces[0])  # the twin asks about the swapped frame
    assert wrong[y, x].max() < 15


def test_faces_that_overlap_are_enhanced_after_all_swaps(
    nets: SimpleNamespace, open_pipeline: Opener, tmp_path: Path
) -> None:
    frame = scene([(3, 250, 240), (8, 370, 240)])
    enhancer = str(negative(tmp_path / "n.onnx", 128))
    pipeline = open_pipeline(nets.paint, enhancer=enhancer, enhancer_mix=1.0, track=False)
    done = pipeline.process(frame)
    assert len(done.crops) == 2

    def swap(picture: Picture, number: int) -> None:
        crop = pipeline.crop(picture, done.crops[number].face)
        result = pipeline.stage.draw(crop)
        pipeline.paste(picture, crop, result, pipeline.mask(crop, result))

    def enhance(picture: Picture, number: int) -> None:
        pipeline.enhance(picture, frame, done.crops[number].face)

    orders = {
        "right": (swap, 0, swap, 1, enhance, 0, enhance, 1),
        "one after the other": (swap, 0, enhance, 0, swap, 1, enhance, 1),
    }
    made = {}
    for name, steps in orders.items():
        made[name] = frame.copy()
        for step, number in zip(steps[::2], steps[1::2], strict=True):
            step(made[name], number)
    assert np.array_equal(done.frame, made["right"])
    assert (change(done.frame, made["one after the other"]) > 30).sum() > 300


def test_codeformers_weight_is_an_option(nets: SimpleNamespace, open_pipeline: Opener, tmp_path: Path) -> None:
    """A network that multiplies by its weight."""
    enhancer = str(negative(tmp_path / "n.onnx", 128, weighted=True))
    given = {"enhancer": enhancer, "enhancer_mix": 1.0}
    x, y = (320, 240)
    for strength in (0.0, 0.25, 1.0):
        done = open_pipeline(nets.black, enhancer_strength=strength, **given).process(FRAME)
        x, y = done.faces[0].points[2].astype(int)
        assert np.abs(done.frame[y, x].astype(float) - 255 * strength).max() < 10
    usual = open_pipeline(nets.black, **given).process(FRAME)
    assert np.abs(usual.frame[y, x].astype(float) - 127.5).max() < 10


# what is none ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("opener", "family", "words"),
    [
        (Occluder, "bisenet_resnet_34", "covers a face"),
        (Occluder, "hyperswap_1a_256", "'swapper'"),
        (Occluder, "gfpgan_1.4", r"'enhancer'.*xseg"),
        (RegionMasker, "xseg_1", "regions of a face"),
        (RegionMasker, "span_kendata_x4", r"'frame enhancer'.*bisenet"),
    ],
)
def test_a_network_known_for_something_else_is_no_masker(
    tmp_path: Path, opener: type[Occluder] | type[RegionMasker], family: str, words: str
) -> None:
    with watched(copying(64), tmp_path) as session, pytest.raises(UnsupportedError, match=words):
        opener(session, plain(session), family)


@pytest.mark.parametrize("family", ["xseg_1", "deep_swapper", "hyperswap_1a_256"])
def test_a_network_known_for_something_else_is_no_enhancer(tmp_path: Path, family: str) -> None:
    with watched(copying(64), tmp_path) as session, pytest.raises(UnsupportedError, match="does not improve pictures"):
        ImageToImage(session, plain(session), family)


def test_a_network_for_whole_frames_is_no_face_enhancer(tmp_path: Path) -> None:
    with watched(copying(64), tmp_path) as session:
        assert FaceEnhancer(ImageToImage(session, plain(session))).network.side == 64
        whole = ImageToImage(session, plain(session), "span_kendata_x4")
        with pytest.raises(UnsupportedError, match="does not redraw faces"):
            FaceEnhancer(whole)


def test_a_wrong_file_is_refused_before_any_work(nets: SimpleNamespace, open_pipeline: Opener) -> None:
    """By what is in it: a swapper named as masker or enhancer."""
    for given in (
        {"mask": "occlusion", "occluder": str(nets.same)},
        {"mask": "region", "region_masker": str(nets.same)},
        {"enhancer": str(nets.same)},
    ):
        with pytest.raises(UnsupportedError, match=r"same\.onnx"):
            open_pipeline(nets.same, **given)
