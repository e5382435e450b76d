"""Enhancers: a face through its crop, a frame through tiles that leave no seams."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from onnx import TensorProto

from converters.errors import BadInputError, CancelledError, UnsupportedError
from converters.face.align import matrix_to, warp
from converters.face.enhance import FaceEnhancer, FrameEnhancer, ImageToImage, tile_plan
from converters.face.masks import box_mask
from converters.face.paste import pasted
from converters.progress import Progress
from converters.samples import draw_picture
from tests.face.nets import copying, graph, plain, watched
from tests.face.test_align import placed


def inverting(side: int = 512, *, weight: bool = False) -> object:
    """Return a network of the GFPGAN kind that gives the negative (-x); with a weight, that times 2 * weight."""
    inputs: dict[str, tuple[int, ...]] = {"input": (1, 3, side, side)}
    nodes = [("Neg", ["input"], ["output"], {})]
    if weight:
        inputs["weight"] = (1,)
        nodes = [
            ("Cast", ["weight"], ["w"], {"to": TensorProto.FLOAT}),
            ("Mul", ["w", "minus_two"], ["factor"], {}),
            ("Mul", ["input", "factor"], ["output"], {}),
        ]
    return graph(
        inputs,
        {"output": (1, 3, side, side)},
        nodes,
        {"minus_two": np.float32(-2)} if weight else {},
        {"weight": TensorProto.DOUBLE},
    )


def test_a_face_goes_through_its_own_template_and_range(tmp_path: Path) -> None:
    picture = draw_picture(1)
    points = placed("ffhq_512", 200, 10, 120, 130)
    with watched(inverting(), tmp_path) as session:
        network = ImageToImage(session, plain(session), "gfpgan_1.4")
        assert (network.template, network.side, network.drawn_side) == ("ffhq_512", 512, 512)
        result = picture.copy()
        FaceEnhancer(network).enhance(result, points)
        crop = warp(picture, matrix_to("ffhq_512", points, 512), 512)
        assert np.allclose(session.fed["input"], crop.transpose(2, 0, 1)[None] * 2 - 1, atol=1e-6)
        negative = pasted(picture, 1 - crop, box_mask(512), matrix_to("ffhq_512", points, 512))
        mixed = picture * 0.2 + negative * 0.8  # FaceFusion mixes the whole frame afterwards
        assert np.abs(result - mixed).max() < 1.1
        assert np.abs(result - (picture * 0.3 + negative * 0.7)).max() > 5


@pytest.mark.parametrize("mix", [0.0, 0.5, 1.0])
def test_the_mix_is_the_share_of_the_enhanced_face(tmp_path: Path, mix: float) -> None:
    picture = draw_picture(1)
    points = placed("ffhq_512", 200, 0, 128, 128)
    with watched(inverting(), tmp_path) as session:
        enhancer = FaceEnhancer(ImageToImage(session, plain(session), "gfpgan_1.4"))
        result = picture.copy()
        enhancer.enhance(result, points, mix=mix)
        middle = picture[128, 128].astype(float)
        assert np.abs(result[128, 128] - (middle * (1 - mix) + (255 - middle) * mix)).max() < 3
        assert np.array_equal(result, picture) is (mix == 0)
        with pytest.raises(BadInputError, match="mix"):
            enhancer.enhance(result, points, mix=1.2)


def test_gpen_256_wants_another_template(tmp_path: Path) -> None:
    with watched(inverting(256), tmp_path) as session:
        assert ImageToImage(session, plain(session), "gpen_bfr_256").template == "arcface_128"
        assert ImageToImage(session, plain(session)).template == "ffhq_512"


@pytest.mark.parametrize("strength", [0.0, 0.5, 1.0])
def test_codeformers_weight_is_given_as_it_wants_it(tmp_path: Path, strength: float) -> None:
    crop = np.full((512, 512, 3), 0.6, np.float32)
    with watched(inverting(weight=True), tmp_path) as session:
        network = ImageToImage(session, plain(session), "codeformer", strength=strength)
        drawn = network.run(crop)
        assert session.fed["weight"].dtype == np.float64
        assert session.fed["weight"].tolist() == [strength]
        assert np.allclose(drawn, 0.5 - 2 * strength * 0.1, atol=1e-5)
        with pytest.raises(BadInputError, match="strength"):
            ImageToImage(session, plain(session), "codeformer", strength=2)


def test_an_occlusion_mask_protects_what_it_hides(tmp_path: Path) -> None:
    picture = draw_picture(1)
    points = placed("ffhq_512", 200, 0, 128, 128)
    hidden = np.ones((512, 512), np.float32)
    hidden[:, :256] = 0
    with watched(inverting(), tmp_path) as session:
        result = picture.copy()
        FaceEnhancer(ImageToImage(session, plain(session), "gfpgan_1.4")).enhance(result, points, mask=hidden)
        assert np.array_equal(result[:, :127], picture[:, :127])
        assert np.abs(result[128, 150].astype(int) - picture[128, 150]).max() > 5


def test_a_larger_drawing_lies_where_the_crop_lay(tmp_path: Path) -> None:
    """A network that doubles its crop changes next to nothing; shifted by half a pixel of the crop it would."""
    picture = cv2.GaussianBlur(draw_picture(1), (0, 0), 1.5)
    points = placed("ffhq_512", 128, 0, 128, 128)
    with watched(copying(128, 2), tmp_path) as session:
        result = picture.copy()
        FaceEnhancer(ImageToImage(session, plain(session))).enhance(result, points, mix=1)
        difference = np.abs(result.astype(int) - picture)
        assert difference.max() < 12
        matrix = matrix_to("ffhq_512", points, 128)
        drawn = warp(picture, matrix, 128).repeat(2, axis=0).repeat(2, axis=1)
        shifted = pasted(picture, drawn, box_mask(256), matrix * 2)
        assert np.abs(shifted.astype(int) - picture).mean() > 1.5 * difference.mean()


def test_networks_that_do_something_else_are_refused(tmp_path: Path) -> None:
    two = graph({"a": (1, 3, 8, 8), "b": (1, 3, 8, 8)}, {"c": (1, 3, 8, 8)}, [("Add", ["a", "b"], ["c"], {})])
    vector = graph({"a": (1, 3, 8, 8)}, {"c": (1, 3)}, [("ReduceMean", ["a"], ["c"], {"axes": [2, 3], "keepdims": 0})])
    for name, proto in (("two", two), ("vector", vector)):
        with watched(proto, tmp_path, name) as session, pytest.raises(UnsupportedError, match="one picture"):
            ImageToImage(session, plain(session))
    half = graph(
        {"input": (1, 3, 8, 8)},
        {"output": (1, 3, 4, 4)},
        [("AveragePool", ["input"], ["output"], {"kernel_shape": [2, 2], "strides": [2, 2]})],
    )
    with watched(half, tmp_path, "half") as session, pytest.raises(UnsupportedError, match="whole factors"):
        FrameEnhancer(ImageToImage(session, plain(session)))


def test_tiles_are_as_facefusion_cuts_them() -> None:
    assert tile_plan(256) == (16, 8)
    assert tile_plan(128) == (8, 4)


@pytest.mark.parametrize("size", [(1, 1), (5, 300), (119, 121), (120, 240), (256, 256), (200, 333)])
@pytest.mark.parametrize("factor", [1, 2])
def test_a_frame_in_tiles_is_the_frame(tmp_path: Path, size: tuple[int, int], factor: int) -> None:
    """With a network that copies, every pixel comes back in its place, whatever the frame's size."""
    picture = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    with watched(copying(128, factor), tmp_path) as session:
        result = FrameEnhancer(ImageToImage(session, plain(session), "span_kendata_x4")).enhance(picture, mix=1)
    expected = picture.repeat(factor, axis=0).repeat(factor, axis=1)
    assert np.array_equal(result, expected)
    assert size == (1, 1) or not np.array_equal(np.roll(result, 1, axis=1), expected)


def blurring(side: int, reach: int) -> object:
    """Return a network whose pixels depend on their surroundings up to `reach` pixels away."""
    width = 2 * reach + 1
    kernel = np.zeros((3, 1, width, width), np.float32)
    kernel[:, 0] = 1 / width**2
    return graph(
        {"input": (1, 3, side, side)},
        {"output": (1, 3, side, side)},
        [("Conv", ["input", "kernel"], ["output"], {"pads": [reach] * 4, "group": 3})],
        {"kernel": kernel},
    )


def test_no_seam_shows_where_a_network_looks_no_further_than_the_overlap(tmp_path: Path) -> None:
    """Between tiles and at the frame's edge; a network that looks further than the overlap is told by its seams."""
    picture = cv2.resize(draw_picture(1), (300, 200))
    for reach, is_seamless in ((4, True), (9, False)):
        with watched(blurring(128, reach), tmp_path, str(reach)) as session:
            result = FrameEnhancer(ImageToImage(session, plain(session))).enhance(picture, mix=1)
        whole = cv2.blur(picture.astype(np.float32), (2 * reach + 1,) * 2, borderType=cv2.BORDER_REFLECT_101)
        assert bool(np.abs(result - whole).max() < 0.51) is is_seamless


def test_the_frames_mix_is_with_the_enlarged_frame(tmp_path: Path) -> None:
    picture = np.full((40, 50, 3), 200, np.uint8)
    with watched(inverting(128), tmp_path) as session:
        enhancer = FrameEnhancer(ImageToImage(session, plain(session), "gfpgan_1.4"))
        assert (enhancer.enhance(picture) == round(200 * 0.2 + 55 * 0.8)).all()
        assert (enhancer.enhance(picture, mix=0) == 200).all()
        with pytest.raises(BadInputError, match="mix"):
            enhancer.enhance(picture, mix=-1)


def test_enhancing_a_frame_can_be_cancelled_and_says_where_it_is(tmp_path: Path) -> None:
    picture = np.zeros((240, 240, 3), np.uint8)  # 2 x 2 tiles of 120 if the grid did not begin in the padding
    seen: list[float] = []
    with watched(copying(128), tmp_path) as session:
        enhancer = FrameEnhancer(ImageToImage(session, plain(session)))
        enhancer.enhance(picture, progress=Progress(lambda message: seen.append(message.fraction)))
        assert seen == sorted(seen)
        assert len(seen) == 9
        with pytest.raises(CancelledError):
            enhancer.enhance(picture, progress=Progress(is_cancelled=lambda: True))


def test_a_frame_that_would_grow_too_large_is_refused(tmp_path: Path) -> None:
    picture = np.broadcast_to(np.zeros(3, np.uint8), (8000, 8000, 3))
    with (
        watched(copying(128, 2), tmp_path) as session,
        pytest.raises(BadInputError, match=r"grow to 16000 x 16000"),
    ):
        FrameEnhancer(ImageToImage(session, plain(session))).enhance(picture)
