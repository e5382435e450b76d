"""Every way of giving a source to a swapper, from the portrait to the colour painted by the pipeline."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from converters.builtin import DEMO_GALLERY
from converters.face.align import matrix_to, warp
from converters.face.pipeline import FacePipeline
from converters.face.swap.base import Source
from converters.pictures import read_picture
from tests.face.drawn import Opener, copier, crossface, options, portrait, scene, swapper

FRAME = scene([(3, 320, 240)])
SEED = 4
# so that an embedding which went through none, another, or this one twice, paints another colour
EMAP = np.roll(np.eye(512, dtype=np.float32), 5, axis=1)
CROSSFACE = 1.5 * np.roll(np.eye(512, dtype=np.float32), 40, axis=1)


@dataclass(frozen=True)
class Way:
    """A way of giving a source: an id of a family that wants it, and how the vector is made from the raw one."""

    family: str
    side: int
    through: str
    is_unit: bool
    is_signed: bool = False


WAYS = {
    "emap": Way("inswapper_like", 128, "emap", True),
    "unit": Way("hyperswap_1a_256", 256, "", True, True),
    "crossface": Way("ghost_1_256", 256, "crossface", False, True),
    "crossface, unit": Way("simswap_256", 256, "crossface", True),
}


def colour(raw: np.ndarray, way: Way) -> np.ndarray:
    """Return what is painted, 0..255; the outputs of some families are -1..1."""
    vector = raw.astype(np.float64) @ {"emap": EMAP, "crossface": CROSSFACE, "": np.eye(512)}[way.through]
    if way.is_unit:
        vector = vector / np.linalg.norm(vector)
    level = 1 / (1 + np.exp(-8 * vector[:3]))
    return np.asarray(255 * ((level + 1) / 2 if way.is_signed else level))


def painted(pipeline: FacePipeline) -> np.ndarray:
    """Return the colour of the swapped face's nose."""
    done = pipeline.process(FRAME)
    x, y = done.faces[0].points[2].astype(int)
    return done.frame[y, x].astype(float)


@pytest.mark.parametrize("name", sorted(WAYS))
def test_an_embedding_is_given_as_the_family_wants_it(open_pipeline: Opener, tmp_path: Path, name: str) -> None:
    """The twins are the other ways: what they would paint is told from it."""
    way = WAYS[name]
    model = swapper(tmp_path / "paint.onnx", keep=0.0, paint=1.0, side=way.side, emap=EMAP)
    given = {"converter": str(crossface(tmp_path / "crossface.onnx", CROSSFACE))} if way.through == "crossface" else {}
    pipeline = open_pipeline(model, family=way.family, **given)
    raw = pipeline.set_source([("source", portrait(SEED))]).embeddings[0]
    found = painted(pipeline)
    assert np.abs(found - colour(raw, way)).max() < 1.5
    for other in WAYS.values():
        if other.through != way.through or other.is_unit != way.is_unit:
            assert np.abs(found - colour(raw, Way("", 0, other.through, other.is_unit, way.is_signed))).max() > 3


PICTURES = {"uniface_256": ("ffhq_512", 256, True), "blendswap_256": ("arcface_112_v2", 112, False)}


@pytest.mark.parametrize("family", sorted(PICTURES))
def test_a_picture_is_cut_as_the_family_wants_it(nets: SimpleNamespace, tmp_path: Path, family: str) -> None:
    """Without a recogniser, whatever the identity weight; the other family's crop paints another colour."""
    template, side, is_signed = PICTURES[family]
    model = copier(tmp_path / "copier.onnx", side)
    given = options(nets, family=family, identity_weight=0.9, track=False, embedder="")
    with FacePipeline(model, given, threads=1) as pipeline:
        source = pipeline.set_source([("source", portrait(SEED))])
        found = painted(pipeline)

    def expected(template: str) -> np.ndarray:
        assert isinstance(source, Source)
        assert source.picture is not None
        assert source.points is not None
        crop = warp(source.picture, matrix_to(template, source.points, side), side)
        level = crop[side // 2 :].mean(axis=(0, 1))
        return np.asarray(255 * ((level + 1) / 2 if is_signed else level))

    assert np.abs(found - expected(template)).max() < 1.5
    for other in {template for template, _, _ in PICTURES.values()} - {template}:
        assert np.abs(found - expected(other)).max() > 3


def test_the_identity_weight_leans_on_the_face_that_is_replaced(open_pipeline: Opener, tmp_path: Path) -> None:
    model = swapper(tmp_path / "paint.onnx", keep=0.0, paint=1.0, side=256)
    way = WAYS["unit"]
    for weight, share in ((0.0, 0.35), (0.5, 0.0), (1.0, -0.35)):
        pipeline = open_pipeline(model, family=way.family, identity_weight=weight)
        source = pipeline.set_source([("source", portrait(SEED))]).embeddings[0]
        found = painted(pipeline)
        (target,) = pipeline.source_of([("target", FRAME)]).embeddings
        units = [vector / np.linalg.norm(vector) for vector in (source, target)]

        def expected(share: float, units: list[np.ndarray] = units) -> np.ndarray:
            return colour(units[0] * (1 - share) + units[1] * share, Way("", 0, "", False, True))

        assert np.abs(found - expected(share)).max() < 2.5
        assert np.abs(found - expected(-share if share else 0.35)).max() > 5


def test_a_swapper_of_pictures_needs_no_recogniser_of_its_own(nets: SimpleNamespace, tmp_path: Path) -> None:
    """The demo's tells who is the reference; an identity weight has nothing to weigh."""
    model = copier(tmp_path / "copier.onnx", 112)
    picture = {"family": "blendswap_256", "embedder": ""}
    with FacePipeline(model, options(nets, faces="reference", **picture), threads=1) as pipeline:
        pipeline.set_source([("source", portrait(SEED))])
        pipeline.set_reference("reference", FRAME)
        assert len(pipeline.process(FRAME).crops) == 1
        pipeline.set_reference("reference", read_picture(DEMO_GALLERY / "02.png"))
        assert pipeline.process(FRAME).crops == ()
    with FacePipeline(model, options(nets, identity_weight=0.9, **picture), threads=1) as pipeline:
        pipeline.set_source([("source", portrait(SEED))])
        assert len(pipeline.process(FRAME).crops) == 1
