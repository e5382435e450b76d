"""Swappers: every family's convention against a table written from FaceFusion's facts, and opening them from files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto

from converters.builtin import DEMO_EMBEDDER, DEMO_SWAPPER
from converters.errors import BadInputError, UnsupportedError
from converters.face.align import matrix_to, warp
from converters.face.emap import EmapRule
from converters.face.embed import unit
from converters.face.faces import Detection, Face
from converters.face.swap.base import Prepared, Source, identity_share
from converters.face.swap.conventions import convention_of
from converters.face.swap.opening import EMBEDDER_KEY, embedder_for, find_emap, is_demo_swapper, open_swapper
from converters.face.swap.session import SessionSwapper
from converters.model.families import families
from converters.model.signature import Signature
from converters.opened import opened
from converters.progress import Progress
from converters.samples import draw_picture
from converters.targets.base import Precision
from converters.targets.mnn import MnnExporter
from tests.face.nets import Watched, graph, plain, small_swapper, watched
from tests.face.test_align import placed
from tests.face.test_emap import skewed

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
HALF = ((0.5,) * 3, (0.5,) * 3)
UNIT = ((0.0,) * 3, (1.0,) * 3)


@dataclass(frozen=True)
class Fact:
    side: int
    template: str
    target: tuple[tuple[float, ...], tuple[float, ...]]
    output: tuple[tuple[float, ...], tuple[float, ...]]
    source: str


FACTS = {
    "inswapper_128": Fact(128, "arcface_128", UNIT, UNIT, "emap"),
    "inswapper_128_fp16": Fact(128, "arcface_128", UNIT, UNIT, "emap"),
    "demo_swapper": Fact(128, "arcface_128", UNIT, UNIT, "emap"),
    "inswapper_like": Fact(128, "arcface_128", UNIT, UNIT, "emap"),
    "hyperswap_1a_256": Fact(256, "arcface_128", HALF, HALF, "unit"),
    "hyperswap_1b_256": Fact(256, "arcface_128", HALF, HALF, "unit"),
    "hyperswap_1c_256": Fact(256, "arcface_128", HALF, HALF, "unit"),
    "simswap_256": Fact(256, "arcface_112_v1", IMAGENET, UNIT, "converted unit"),
    "simswap_unofficial_512": Fact(512, "arcface_112_v1", UNIT, UNIT, "converted unit"),
    "ghost_1_256": Fact(256, "arcface_112_v1", HALF, HALF, "converted"),
    "ghost_2_256": Fact(256, "arcface_112_v1", HALF, HALF, "converted"),
    "ghost_3_256": Fact(256, "arcface_112_v1", HALF, HALF, "converted"),
    "hififace_unofficial_256": Fact(256, "mtcnn_512", HALF, HALF, "converted unit"),
    "uniface_256": Fact(256, "ffhq_512", HALF, HALF, "ffhq_512 256"),
    "blendswap_256": Fact(256, "ffhq_512", UNIT, UNIT, "arcface_112_v2 112"),
}
CROSSFACE = np.random.default_rng(5).standard_normal((512, 512)).astype(np.float32) / 5


def column(values: tuple[float, ...]) -> np.ndarray:
    return np.array(values, np.float32).reshape(1, 3, 1, 1)


def identity_swapper(fact: Fact, *, source_first: bool = False, mask: bool = False) -> onnx.ModelProto:
    """Return a swapper that gives back the target as a picture, plus nothing of the source (which it does read)."""
    side = fact.side
    is_picture = fact.source[-1].isdigit()
    source = (1, 3, *(2 * [int(fact.source.split()[1])])) if is_picture else (1, 512)
    edges = {"target": (1, 3, side, side), "source": source}
    if source_first:
        edges = dict(reversed(edges.items()))
    (mean, std), (out_mean, out_std) = fact.target, fact.output
    axes = list(range(len(source)))
    nodes = [
        ("Mul", ["target", "std"], ["scaled"], {}),
        ("Add", ["scaled", "mean"], ["picture"], {}),
        ("Sub", ["picture", "out_mean"], ["centred"], {}),
        ("Div", ["centred", "out_std"], ["drawn"], {}),
        ("ReduceMean", ["source"], ["average"], {"axes": axes, "keepdims": 0}),
        ("Mul", ["average", "zero"], ["nothing"], {}),
        ("Add", ["drawn", "nothing"], ["drawn_image"], {}),
    ]
    outputs: dict[str, tuple[int, ...]] = {"drawn_image": (1, 3, side, side)}
    if mask:
        nodes.append(("ReduceMean", ["picture"], ["belief"], {"axes": [1], "keepdims": 1}))
        outputs["belief"] = (1, 1, side, side)
    constants = {"mean": column(mean), "std": column(std), "out_mean": column(out_mean), "out_std": column(out_std)}
    return graph(edges, outputs, nodes, {**constants, "zero": np.float32(0)})


def crossface() -> onnx.ModelProto:
    return graph(
        {"input": (1, 512)}, {"output": (1, 512)}, [("MatMul", ["input", "w"], ["output"], {})], {"w": CROSSFACE}
    )


@pytest.fixture
def raw() -> np.ndarray:
    return np.random.default_rng(11).standard_normal(512).astype(np.float32) * 0.7


@pytest.fixture
def source(raw: np.ndarray) -> Source:
    return Source((raw,), draw_picture(9), placed("arcface_128", 190, 8, 125, 130))


def made(session: Watched, family: str, folder: Path, emap: np.ndarray | None = None) -> tuple[SessionSwapper, Watched]:
    converter = watched(crossface(), folder, "crossface")
    matrix = skewed() if emap is None else emap
    return SessionSwapper(session, plain(session), family, emap=matrix, converter=converter), converter


def expected_source(fact: Fact, source: Source) -> np.ndarray:
    raw = source.embeddings[0].astype(np.float64)
    length = np.linalg.norm(raw)
    if fact.source == "emap":
        return (raw @ skewed() / length)[None]
    if fact.source == "unit":
        return (raw / length)[None]
    if fact.source.startswith("converted"):
        vector = raw @ CROSSFACE
        return (vector / np.linalg.norm(vector) if fact.source.endswith("unit") else vector)[None]
    template, side = fact.source.split()
    assert source.picture is not None
    assert source.points is not None
    crop = warp(source.picture, matrix_to(template, source.points, int(side)), int(side))
    return crop.transpose(2, 0, 1)[None]


def test_the_table_names_every_family_of_swappers() -> None:
    assert set(FACTS) == {known.id for known in families().values() if known.kind == "swapper"}


@pytest.mark.parametrize("family", sorted(FACTS))
@pytest.mark.parametrize("source_first", [False, True])
def test_a_family_is_fed_as_facefusion_feeds_it(
    family: str, source_first: bool, tmp_path: Path, source: Source
) -> None:
    """Names decide, not the order; and neither the other colour order nor another normalisation passes."""
    fact = FACTS[family]
    crop = np.random.default_rng(4).random((fact.side, fact.side, 3), dtype=np.float32)
    with watched(identity_swapper(fact, source_first=source_first), tmp_path) as session:
        swapper, converter = made(session, family, tmp_path)
        with converter:
            assert (swapper.side, swapper.template) == (fact.side, fact.template)
            prepared = swapper.prepare(source)
            result = swapper.swap(crop, prepared)
        mean, std = (column(part) for part in fact.target)
        expected = (crop.transpose(2, 0, 1)[None] - mean) / std
        assert np.allclose(session.fed["target"], expected, atol=1e-5)
        assert not np.allclose(session.fed["target"], expected[:, ::-1], atol=1e-2)
        assert np.allclose(session.fed["source"], expected_source(fact, source), rtol=1e-4, atol=1e-5)
        assert not np.allclose(session.fed["source"], expected_source(fact, source) * 1.01, rtol=1e-4, atol=1e-5)
        assert np.allclose(result.crop, crop, atol=1e-5)
        assert result.mask is None


def test_insightfaces_rule_gives_a_unit_latent(tmp_path: Path, source: Source) -> None:
    fact = FACTS["inswapper_128"]
    with watched(identity_swapper(fact), tmp_path) as session:
        for rule, is_unit in ((EmapRule.INSIGHTFACE, True), (EmapRule.FACEFUSION, False)):
            swapper = SessionSwapper(session, plain(session), "inswapper_128", emap=skewed(), emap_rule=rule)
            length = np.linalg.norm(np.asarray(swapper.prepare(source).source, np.float64))
            assert bool(abs(length - 1) < 1e-5) is is_unit


def test_hyperswaps_mask_comes_along(tmp_path: Path, source: Source) -> None:
    fact = FACTS["hyperswap_1a_256"]
    crop = np.random.default_rng(4).random((256, 256, 3), dtype=np.float32)
    with watched(identity_swapper(fact, mask=True), tmp_path) as session:
        swapper = SessionSwapper(session, plain(session), "hyperswap_1a_256")
        result = swapper.swap(crop, swapper.prepare(source))
        assert result.mask is not None
        assert np.allclose(result.mask, crop.mean(axis=2), atol=1e-5)


def test_several_source_pictures_are_averaged(tmp_path: Path, source: Source) -> None:
    """Raw ones where emap follows; unit ones, not brought to length 1 again, where the swapper takes them directly."""
    generator = np.random.default_rng(0)
    many = tuple(generator.standard_normal(512).astype(np.float32) * scale for scale in (1, 5))
    both = Source(many, source.picture, source.points)
    with watched(identity_swapper(FACTS["hyperswap_1a_256"]), tmp_path) as session:
        prepared = SessionSwapper(session, plain(session), "hyperswap_1a_256").prepare(both)
        expected = (unit(many[0]) + unit(many[1])) / 2
        assert np.allclose(prepared.source, expected[None], atol=1e-6)
        assert not np.allclose(prepared.source, unit(many[0] + many[1])[None], atol=1e-3)
    with watched(identity_swapper(FACTS["inswapper_128"]), tmp_path, "other") as session:
        prepared = SessionSwapper(session, plain(session), "inswapper_128", emap=skewed()).prepare(both)
        mean = (many[0].astype(np.float64) + many[1]) / 2
        assert np.allclose(prepared.source, (mean @ skewed() / np.linalg.norm(mean))[None], atol=1e-4)


@pytest.mark.parametrize(("weight", "share"), [(0, 0.35), (0.25, 0.175), (0.5, 0), (0.75, -0.175), (1, -0.35)])
def test_the_identity_weight_mixes_in_the_target(weight: float, share: float, tmp_path: Path, source: Source) -> None:
    assert identity_share(weight) == pytest.approx(share)
    target = np.random.default_rng(8).standard_normal(512).astype(np.float32) * 3
    for family in ("inswapper_128", "hyperswap_1a_256", "ghost_1_256", "simswap_256"):
        fact = FACTS[family]
        with watched(identity_swapper(fact), tmp_path, f"{family}-{weight}") as session:
            swapper, converter = made(session, family, tmp_path / f"{family}{weight}")
            with converter:
                prepared = swapper.prepare(source)
            leant = swapper.leaning(prepared, target, weight)
            other = target if family == "ghost_1_256" else target / np.linalg.norm(target)
            expected = expected_source(fact, source) * (1 - share) + other[None] * share
            assert np.allclose(leant.source, expected, rtol=1e-4, atol=1e-5)
            assert (leant is prepared) is (weight == 0.5)
            if weight != 0.5:
                wrong = expected_source(fact, source) * (1 + share) - other[None] * share
                assert not np.allclose(leant.source, wrong, atol=1e-3)
    with pytest.raises(BadInputError, match="identity weight"):
        swapper.leaning(prepared, target, 1.5)
    with pytest.raises(BadInputError, match="100 numbers"):
        swapper.leaning(prepared, np.ones(100, np.float32), 0.1)


def test_a_source_picture_has_no_identity_weight(tmp_path: Path, source: Source, raw: np.ndarray) -> None:
    with watched(identity_swapper(FACTS["uniface_256"]), tmp_path) as session:
        swapper = SessionSwapper(session, plain(session), "uniface_256")
        prepared = swapper.prepare(source)
        assert swapper.leaning(prepared, raw, 0.9) is prepared


def test_missing_parts_are_said(tmp_path: Path, source: Source) -> None:
    with watched(identity_swapper(FACTS["inswapper_128"]), tmp_path, "inswapper") as session:
        with pytest.raises(BadInputError, match="needs its emap"):
            SessionSwapper(session, plain(session), "inswapper_128")
        with pytest.raises(BadInputError, match="belongs to another model"):
            SessionSwapper(session, plain(session), "inswapper_128", emap=skewed(16))
        swapper = SessionSwapper(session, plain(session), "inswapper_128", emap=skewed())
        with pytest.raises(BadInputError, match="needs the source's embedding"):
            swapper.prepare(Source((), source.picture, source.points))
        with pytest.raises(BadInputError, match="128 numbers"):
            swapper.prepare(Source((np.ones(128, np.float32),)))
        with pytest.raises(ValueError, match="a crop of shape"):
            swapper.swap(np.zeros((64, 64, 3), np.float32), swapper.prepare(source))
        with pytest.raises(ValueError, match="another kind of swapper"):
            swapper.swap(np.zeros((128, 128, 3), np.float32), Prepared(None))
    with watched(identity_swapper(FACTS["ghost_1_256"]), tmp_path, "ghost") as session:
        with pytest.raises(BadInputError, match=r"needs the network crossface_ghost.*crossface_ghost\.onnx"):
            SessionSwapper(session, plain(session), "ghost_1_256")
        with pytest.raises(UnsupportedError, match="does not have the inputs"):
            SessionSwapper(session, plain(session), "blendswap_256")
        with pytest.raises(UnsupportedError, match="a recogniser"):
            SessionSwapper(session, plain(session), "arcface")
        with pytest.raises(UnsupportedError, match=r"no known family.*hyperswap_1a_256"):
            SessionSwapper(session, plain(session), "")
    with watched(identity_swapper(FACTS["uniface_256"]), tmp_path, "uniface") as session:
        swapper = SessionSwapper(session, plain(session), "uniface_256")
        with pytest.raises(BadInputError, match="needs the source's picture"):
            swapper.prepare(Source(source.embeddings))


def test_a_converter_that_is_none_is_said(tmp_path: Path, source: Source) -> None:
    fact = FACTS["ghost_1_256"]
    with (
        watched(identity_swapper(fact), tmp_path, "ghost") as session,
        watched(identity_swapper(FACTS["inswapper_128"]), tmp_path, "wrong") as wrong,
    ):
        swapper = SessionSwapper(session, plain(session), "ghost_1_256", converter=wrong)
        with pytest.raises(BadInputError, match="no converter of embeddings"):
            swapper.prepare(source)


def renamed(proto: onnx.ModelProto, names: dict[str, str]) -> onnx.ModelProto:
    for value in (*proto.graph.input, *proto.graph.output):
        value.name = names.get(value.name, value.name)
    for node in proto.graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    return proto


def test_other_names_are_bound_by_shape_where_that_is_no_guess(tmp_path: Path, source: Source) -> None:
    other = {"target": "serving_default_args_0", "source": "serving_default_args_1"}
    crop = np.random.default_rng(4).random((256, 256, 3), dtype=np.float32)
    with watched(renamed(identity_swapper(FACTS["hyperswap_1a_256"]), other), tmp_path, "a") as session:
        swapper = SessionSwapper(session, plain(session), "hyperswap_1a_256")
        assert np.allclose(swapper.swap(crop, swapper.prepare(source)).crop, crop, atol=1e-5)
    with (
        watched(renamed(identity_swapper(FACTS["uniface_256"]), other), tmp_path, "b") as session,
        pytest.raises(UnsupportedError, match="does not have the inputs"),
    ):
        convention_of(plain(session), "uniface_256", "uniface")


def test_a_result_does_not_break_on_numbers_that_are_none(tmp_path: Path, source: Source) -> None:
    fact = FACTS["inswapper_128"]
    with watched(identity_swapper(fact), tmp_path) as session:
        swapper = SessionSwapper(session, plain(session), "inswapper_128", emap=skewed())
        crop = np.full((128, 128, 3), np.nan, np.float32)
        assert not swapper.swap(crop, swapper.prepare(source)).crop.any()


def test_sources_are_made_of_faces(raw: np.ndarray) -> None:
    points = placed("arcface_128", 100, 0, 50, 50)
    face = Face(Detection((0, 0, 1, 1), 1.0, points), points, embedding=raw)
    picture = draw_picture(0)
    found = Source.of([(picture, face), (picture, Face(face.detection, points))])
    assert len(found.embeddings) == 1
    assert found.picture is picture
    with pytest.raises(ValueError, match="at least one"):
        Source.of([])


def write(proto: onnx.ModelProto, path: Path) -> Path:
    onnx.save(proto, path)
    return path


def test_a_swapper_of_the_inswapper_kind_opens_from_its_file(tmp_path: Path, source: Source) -> None:
    """The drawing is what ONNX Runtime gives for the feeds written out by hand; another latent draws another face."""
    proto = small_swapper()
    emap = onnx.numpy_helper.to_array(proto.graph.initializer[-1])
    crop = draw_picture(2)[:128, :128].astype(np.float32) / 255
    with open_swapper(write(proto, tmp_path / "swapper.onnx"), threads=1) as swapper:
        drawn = swapper.swap(crop, swapper.prepare(source)).crop.copy()
    latent = (source.embeddings[0] @ emap) / np.linalg.norm(source.embeddings[0])
    with watched(proto, tmp_path) as session:
        feeds = {"target": crop.transpose(2, 0, 1)[None], "source": latent[None].astype(np.float32)}
        expected = session.run(feeds)["output"]
        other = session.run({**feeds, "source": -feeds["source"]})["output"]
    assert np.abs(drawn - expected[0].transpose(1, 2, 0)).max() < 1e-4
    assert np.abs(drawn - other[0].transpose(1, 2, 0)).max() > 1e-2


def test_an_artifact_swaps_as_its_original_does(tmp_path: Path, source: Source) -> None:
    """With the -emap.npy that is written beside it; without it, and with a damaged one, a sentence."""
    path = write(small_swapper(), tmp_path / "swapper.onnx")
    from converters.model.source import load

    model = load(path)
    out = tmp_path / "out"
    out.mkdir()
    artifact = MnnExporter().export(model, out, Precision.FP32, {}, [], Progress()).path
    crop = draw_picture(2)[:128, :128].astype(np.float32) / 255
    with open_swapper(path, threads=1) as original:
        prepared = original.prepare(source)
        expected = original.swap(crop, prepared).crop.copy()
        emap = original.emap
    assert emap is not None
    with pytest.raises(BadInputError, match=r"-emap\.npy"), open_swapper(artifact, threads=1):
        pass
    with open_swapper(artifact, emap=path, threads=1) as converted:  # from the original
        assert np.abs(converted.swap(crop, prepared).crop - expected).max() < 5e-3
        assert np.abs(converted.swap(crop[:, ::-1], prepared).crop - expected).max() > 5e-2
    np.save(out / "swapper-emap.npy", emap)
    with open_swapper(artifact, threads=1) as converted:  # from beside it
        assert np.array_equal(np.asarray(converted.prepare(source).source), np.asarray(prepared.source))
    (out / "swapper-emap.npy").write_bytes(b"damaged")
    with pytest.raises(BadInputError, match="cannot be read as an emap"), open_swapper(artifact, threads=1):
        pass


def test_an_open_model_stays_open(tmp_path: Path, source: Source) -> None:
    with opened(write(small_swapper(), tmp_path / "swapper.onnx"), threads=1) as model:
        for _ in range(2):
            with open_swapper(model) as swapper:
                swapper.swap(np.zeros((128, 128, 3), np.float32), swapper.prepare(source))


def test_half_precision_swappers_keep_float_edges_or_are_fed_halves(tmp_path: Path, source: Source) -> None:
    half = {"target": TensorProto.FLOAT16, "source": TensorProto.FLOAT16, "out": TensorProto.FLOAT16}
    proto = graph(
        {"target": (1, 3, 128, 128), "source": (1, 512)},
        {"out": (1, 3, 128, 128)},
        [
            ("ReduceMean", ["source"], ["mean"], {"keepdims": 0}),
            ("Mul", ["mean", "zero"], ["nothing"], {}),
            ("Add", ["target", "nothing"], ["out"], {}),
        ],
        {"zero": np.float16(0)},
        half,
    )
    crop = np.random.default_rng(4).random((128, 128, 3), dtype=np.float32)
    with watched(proto, tmp_path) as session:
        swapper = SessionSwapper(session, plain(session), "inswapper_128_fp16", emap=skewed())
        assert np.abs(swapper.swap(crop, swapper.prepare(source)).crop - crop).max() < 1e-3


def test_the_demo_swapper_is_told_by_its_property(tmp_path: Path) -> None:
    proto = small_swapper()
    with opened(write(proto, tmp_path / "plain.onnx"), threads=1) as model:
        assert not is_demo_swapper(model)
        with pytest.raises(BadInputError, match="needs a face recogniser"):
            embedder_for(model)
        given = tmp_path / "arcface.onnx"
        assert embedder_for(model, given) == given
    entry = proto.metadata_props.add()
    entry.key, entry.value = EMBEDDER_KEY, "demo"
    with opened(write(proto, tmp_path / "demo.onnx"), threads=1) as model:
        assert is_demo_swapper(model)
        assert embedder_for(model) == DEMO_EMBEDDER
        assert embedder_for(model, given) == DEMO_EMBEDDER
    entry.value = "other"
    with opened(write(proto, tmp_path / "other.onnx"), threads=1) as model:
        assert not is_demo_swapper(model)


def test_an_artifact_of_the_demo_swapper_is_told_by_its_sources_hash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With another demo swapper in place; a model of other bytes is not taken for it."""
    from converters.face.swap import opening
    from converters.model.source import load

    demo = write(small_swapper(), tmp_path / "swapper.onnx")
    monkeypatch.setattr(opening, "DEMO_SWAPPER", demo)
    opening._sha256_at.cache_clear()
    try:
        for name, proto, is_demo in (("same", demo, True), ("other", small_swapper(1), False)):
            path = proto if isinstance(proto, Path) else write(proto, tmp_path / f"{name}.onnx")
            (tmp_path / name).mkdir()
            artifact = MnnExporter().export(load(path), tmp_path / name, Precision.FP32, {}, [], Progress()).path
            with opened(artifact, threads=1) as model:
                assert is_demo_swapper(model) is is_demo
                assert (find_emap(model) is not None) is is_demo
    finally:
        opening._sha256_at.cache_clear()


def test_a_swapper_that_takes_a_picture_needs_no_recogniser(tmp_path: Path) -> None:
    path = write(identity_swapper(FACTS["uniface_256"]), tmp_path / "uniface.onnx")
    with opened(path, threads=1) as model:
        from dataclasses import replace

        assert embedder_for(replace(model, family="uniface_256")) is None


def test_a_family_can_be_named_where_the_file_does_not_tell(tmp_path: Path, source: Source) -> None:
    path = write(identity_swapper(FACTS["hyperswap_1a_256"]), tmp_path / "unknown.onnx")
    with pytest.raises(UnsupportedError, match="no known family"), open_swapper(path, threads=1):
        pass
    crop = np.random.default_rng(4).random((256, 256, 3), dtype=np.float32)
    with open_swapper(path, family="hyperswap_1a_256", threads=1) as swapper:
        assert np.allclose(swapper.swap(crop, swapper.prepare(source)).crop, crop, atol=1e-5)


def test_a_converter_is_opened_and_closed_with_its_swapper(tmp_path: Path, source: Source) -> None:
    path = write(identity_swapper(FACTS["ghost_1_256"]), tmp_path / "ghost.onnx")
    converter = write(crossface(), tmp_path / "crossface_ghost.onnx")
    with open_swapper(path, converter, family="ghost_1_256", threads=1) as swapper:
        prepared = swapper.prepare(source)
    assert np.allclose(prepared.source, expected_source(FACTS["ghost_1_256"], source), atol=1e-4)
    with pytest.raises(RuntimeError, match="closed"):
        swapper.swap(np.zeros((256, 256, 3), np.float32), prepared)


def test_facts_of_the_signature_do_not_outweigh_the_familys(tmp_path: Path) -> None:
    """A signature without roles gets the family's; one with them has the same, for it came from there."""
    with watched(identity_swapper(FACTS["simswap_256"]), tmp_path) as session:
        convention = convention_of(plain(session), "simswap_256", "simswap")
        again = convention_of(
            Signature((convention.source, convention.target), (convention.image,)), "simswap_256", "simswap"
        )
        assert again == convention


def test_the_demo_swapper_brings_its_embedder() -> None:
    with opened(DEMO_SWAPPER, threads=1) as model:
        assert embedder_for(model) == DEMO_EMBEDDER
        with open_swapper(model) as swapper:
            assert (swapper.side, swapper.template) == (128, "arcface_128")
