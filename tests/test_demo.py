"""What comes with the program: the demo model in its three forms, and the people it drew."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import pytest

from converters.builtin import (
    DEMO_CHECKPOINT,
    DEMO_CLIP,
    DEMO_CROPS,
    DEMO_EMBEDDER,
    DEMO_GALLERY,
    DEMO_SWAPPER,
    RESOURCES,
)
from converters.errors import UnsafeInputError
from converters.face.align import inverse, transform
from converters.face.detect.registry import open_detector
from converters.face.embed import cosine, open_embedder
from converters.face.options import face_options
from converters.face.pipeline import FacePipeline
from converters.model.source import load
from converters.pictures import read_picture
from converters.runtimes.onnx import OnnxSession
from converters.training.evaluate import measure
from converters.training.export import shipped_functions
from converters.training.faces import read_faces
from converters.video import VideoReader

FACTORY = f"{DEMO_SWAPPER.with_name('factory.py')}:swapper"


def feeds() -> dict[str, npt.NDArray[np.float32]]:
    crop = read_picture(DEMO_CROPS / "01.png").astype(np.float32) / 255
    source = np.random.default_rng(0).standard_normal((1, 512)).astype(np.float32)
    return {"target": crop.transpose(2, 0, 1)[None].copy(), "source": source / np.linalg.norm(source)}


def drawn(proto: onnx.ModelProto, folder: Path, inputs: dict[str, npt.NDArray[np.float32]]) -> npt.NDArray[np.float32]:
    onnx.save(proto, str(folder / "model.onnx"))
    with OnnxSession(folder / "model.onnx") as session:
        return np.asarray(session.run(inputs)["output"], dtype=np.float32)


def test_demo_swapper_has_the_interface_of_inswapper() -> None:
    model = load("demo")
    assert model.family == "demo_swapper"
    assert [(edge.name, edge.static_shape) for edge in model.signature.inputs] == [
        ("target", (1, 3, 128, 128)),
        ("source", (1, 512)),
    ]
    assert [edge.name for edge in model.signature.outputs] == ["output"]
    emap = model.proto.graph.initializer[-1]
    assert emap.name == "emap"
    np.testing.assert_array_equal(onnx.numpy_helper.to_array(emap), np.eye(512, dtype=np.float32))
    assert load(DEMO_EMBEDDER).family == "demo_embedder"


def test_checkpoint_and_factory_are_the_same_model(tmp_path: Path) -> None:
    inputs = feeds()
    wanted = drawn(load("demo").proto, tmp_path, inputs)
    for source, trust in ((DEMO_CHECKPOINT, False), (FACTORY, True)):
        found = drawn(load(source, trust=trust).proto, tmp_path, inputs)
        assert np.abs(found - wanted).max() < 1e-4
    other = drawn(load(DEMO_CHECKPOINT).proto, tmp_path, {**inputs, "source": -inputs["source"]})
    assert np.abs(other - wanted).max() > 1e-2
    with pytest.raises(UnsafeInputError):
        load(FACTORY)


def test_weights_stay_small() -> None:
    files = [file for file in RESOURCES.rglob("*") if file.suffix in (".onnx", ".pth", ".npz", ".tflite")]
    assert len(files) >= 4
    assert sum(file.stat().st_size for file in files) < 60e6


def test_everybody_in_the_gallery_is_found_and_somebody_else() -> None:
    files = sorted(DEMO_GALLERY.iterdir())
    assert len(files) == 12
    embeddings = []
    with open_detector() as detector, open_embedder(DEMO_EMBEDDER) as embedder:
        for file in files:
            picture = read_picture(file)
            assert picture.shape == (256, 256, 3)
            faces = detector.detect(picture)
            assert len(faces) == 1, file.name
            embeddings.append(embedder.embed(picture, faces[0].points))
    assert max(cosine(one, other) for one, other in itertools.combinations(embeddings, 2)) < 0.8


def test_crops_are_framed_as_the_swapper_wants_them() -> None:
    files = sorted(DEMO_CROPS.iterdir())
    assert len(files) == 64
    pictures = [read_picture(file) for file in files]
    assert {picture.shape for picture in pictures} == {(128, 128, 3)}
    brightness = [picture.mean() for picture in pictures]
    assert max(brightness) > 1.5 * min(brightness)


def test_clip_shows_two_people_who_cross() -> None:
    with VideoReader(DEMO_CLIP) as clip, open_detector() as detector:
        assert clip.size == (1280, 720)
        counts = [len(detector.detect(frame.picture)) for frame in clip if frame.index % 25 == 0]
    assert len(counts) == 10
    assert max(counts) == 2
    assert min(counts) >= 1
    assert sum(counts) >= 16


def test_a_swap_is_nearer_to_its_source_than_to_its_target() -> None:
    """Of six pairs from the gallery at least five: what a newcomer sees first."""
    pictures = [read_picture(file) for file in sorted(DEMO_GALLERY.iterdir())]
    nearer = 0
    with (
        FacePipeline(Path("demo"), face_options(), thorough=True) as pipeline,
        open_embedder(DEMO_EMBEDDER) as embedder,
    ):
        for source, target in zip(pictures[:6], pictures[6:], strict=True):
            of_source = pipeline.set_source([("source", source)]).embeddings[0]
            done = pipeline.process(target)
            assert done.remark == ""
            points = done.crops[0].face.points
            found = embedder.embed(done.frame, points)
            nearer += cosine(found, of_source) > cosine(found, embedder.embed(target, points))
            changed = np.abs(done.frame.astype(int) - target).max(axis=2) > 0
            rows, columns = np.nonzero(changed)
            corners = transform(np.float32([[0, 0], [128, 0], [0, 128], [128, 128]]), inverse(done.crops[0].matrix))
            assert columns.min() >= corners[:, 0].min() - 1
            assert columns.max() <= corners[:, 0].max() + 1
            assert rows.min() >= corners[:, 1].min() - 1
            assert rows.max() <= corners[:, 1].max() + 1
    assert nearer >= 5


@pytest.mark.slow
def test_the_figures_of_the_model_card(shared: Path) -> None:
    """On the held-out faces, 200 pairs; the twin is the same swapper given other people's embeddings."""
    _faces, held_out = read_faces(shared / "faces")
    crops = held_out.middle()
    with shipped_functions() as (swap, embed):
        found = measure(swap, embed, crops, pairs=200)
        mistaken = measure(lambda targets, sources: swap(targets, -sources), embed, crops, pairs=100)
    assert found.nearer >= 0.96
    assert found.self_psnr >= 27
    assert found.self_lpips <= 0.06
    assert found.lpips <= 0.2
    assert found.around_psnr >= 32
    assert mistaken.nearer < 0.8
    assert mistaken.self_psnr < 27
    assert mistaken.self_lpips > 0.06
