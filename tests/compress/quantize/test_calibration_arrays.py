"""Calibration samples from .npz: every form that is taken, and a sentence for every one that is not."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converters.compress.quantize.calibration import calibration_set
from converters.errors import BadInputError, UnsafeInputError
from converters.model.graph import Model
from converters.model.signature import Role, TensorInfo
from tests.compress.quantize.calibration_models import model_of, picture

SIDE = 8


@pytest.fixture
def model() -> Model:
    return model_of([picture("target", SIDE), TensorInfo("source", (1, 4), role=Role.EMBEDDING)])


def samples(count: int, seed: int = 0) -> dict[str, Any]:
    generator = np.random.default_rng(seed)
    return {
        "target": generator.random((count, 3, SIDE, SIDE)).astype(np.float32),
        "source": generator.standard_normal((count, 4)).astype(np.float32),
    }


def save(path: Path, arrays: dict[str, Any], compressed: bool = False) -> str:
    (np.savez_compressed if compressed else np.savez)(path, **arrays)
    return str(path)


@pytest.mark.parametrize("compressed", [False, True])
def test_samples_along_the_first_axis(model: Model, tmp_path: Path, compressed: bool) -> None:
    arrays = samples(5)
    found = calibration_set(model, save(tmp_path / "five.npz", arrays, compressed))
    assert found.origin == "5 saved samples of five.npz"
    assert [each.name for each in found] == [f"five, sample {number}" for number in range(1, 6)]
    for place in (4, 0, 2):
        feeds = found.make(place).feeds
        assert np.array_equal(feeds["target"], arrays["target"][place : place + 1])
        assert np.array_equal(feeds["source"], arrays["source"][place : place + 1])
        assert not np.array_equal(feeds["source"], arrays["source"][1:2])  # the twin
    assert found.notes == ()


def test_a_further_axis_one_sample_and_one_without_a_batch(model: Model, tmp_path: Path) -> None:
    arrays = samples(3)
    stacked = {name: array[:, None] for name, array in arrays.items()}
    assert len(calibration_set(model, save(tmp_path / "a.npz", stacked))) == 3
    one = calibration_set(model, save(tmp_path / "b.npz", {name: array[:1] for name, array in arrays.items()}))
    assert [each.name for each in one] == ["b"]
    assert "There is one sample" in one.notes[-1]
    bare = calibration_set(model, save(tmp_path / "c.npz", {name: array[0] for name, array in arrays.items()}))
    assert bare.make(0).digest == one.make(0).digest


def test_one_value_stands_for_all_samples(model: Model, tmp_path: Path) -> None:
    arrays = samples(3)
    found = calibration_set(model, save(tmp_path / "a.npz", {**arrays, "source": arrays["source"][:1]}))
    assert len(found) == 3
    assert all(np.array_equal(each.feeds["source"], arrays["source"][:1]) for each in found)


def test_too_many_samples_are_taken_evenly(model: Model, tmp_path: Path) -> None:
    arrays = samples(10)
    found = calibration_set(model, save(tmp_path / "ten.npz", arrays, compressed=True), 4)
    assert [each.name for each in found] == [f"ten, sample {number}" for number in (1, 3, 6, 8)]
    assert np.array_equal(found.make(2).feeds["target"], arrays["target"][5:6])
    assert found.notes == ("4 of 10 samples were taken, spread evenly.",)


def test_a_folder_with_a_broken_file_among_good_ones(model: Model, tmp_path: Path) -> None:
    for seed in range(3):
        save(tmp_path / f"{seed}.npz", samples(2, seed))
    (tmp_path / "1.npz").write_bytes((tmp_path / "1.npz").read_bytes()[:300])
    save(tmp_path / "3.npz", {"target": samples(1)["target"]})
    found = calibration_set(model, str(tmp_path))
    assert [each.name for each in found] == ["0, sample 1", "0, sample 2", "2, sample 1", "2, sample 2"]
    assert found.notes[0].startswith("2 files were left out: 1.npz is damaged")


def test_frames_that_a_comparison_kept_are_taken(model: Model, tmp_path: Path) -> None:
    arrays = samples(1)
    kept = {f"feed:{name}": array for name, array in arrays.items()}
    found = calibration_set(model, save(tmp_path / "0.npz", {**kept, "identity": np.zeros(512, np.float32)}))
    assert np.array_equal(found.make(0).feeds["target"], arrays["target"])
    assert "Arrays that are no inputs were not read: identity." in found.notes


def test_the_picture_is_seen_in_what_was_saved(tmp_path: Path) -> None:
    arrays = {"target": np.random.default_rng(1).random((1, 3, 128, 128)), "source": np.ones((1, 512))}
    tensors = [picture("target", 128), TensorInfo("source", (1, 512), role=Role.EMBEDDING)]
    found = calibration_set(model_of(tensors, "demo_swapper"), save(tmp_path / "a.npz", arrays)).make(0)
    assert found.feeds["target"].dtype == np.float32  # saved with 64 bits
    assert found.is_crop
    assert found.picture is not None
    expected = np.rint(arrays["target"][0].transpose(1, 2, 0) * 255)
    assert np.abs(found.picture - expected).max() <= 1


BAD = {
    "missing": (
        {"target": samples(1)["target"]},
        r"has no array source\. small\.onnx takes .*source \(float32, 1 x 4\)",
    ),
    "shape": (
        {**samples(2), "target": np.zeros((2, 3, 9, 8), np.float32)},
        "target of a.npz is 2 x 3 x 9 x 8, expected 1 x 3 x 8 x 8",
    ),
    "layout": ({**samples(2), "target": np.zeros((2, 8, 8, 3), np.float32)}, "is 2 x 8 x 8 x 3, expected"),
    "dtype": (
        {**samples(2), "target": np.zeros((2, 3, 8, 8), np.uint8)},
        "target of a.npz is uint8, expected float32",
    ),
    "words": ({**samples(2), "source": np.full((2, 4), "x")}, "source of a.npz is <U1, expected float32"),
    "counts": (
        {**samples(3), "source": np.zeros((2, 4), np.float32)},
        "different numbers of samples: target 3, source 2",
    ),
    "empty": ({**samples(1), "target": np.zeros((0, 3, 8, 8), np.float32)}, "target of a.npz holds no sample"),
    "nothing": ({}, "has no array target, source"),
    "columns": ({**samples(2), "source": np.asfortranarray(np.zeros((2, 4), np.float32))}, "stored column by column"),
}


@pytest.mark.parametrize("case", BAD)
def test_wrong_arrays_are_named_with_what_was_expected(model: Model, tmp_path: Path, case: str) -> None:
    arrays, sentence = BAD[case]
    with pytest.raises(BadInputError, match=sentence) as caught:
        calibration_set(model, save(tmp_path / "a.npz", arrays))
    assert caught.value.remedy


def test_pickled_arrays_are_refused_even_among_good_files(model: Model, tmp_path: Path) -> None:
    save(tmp_path / "a.npz", samples(1))
    save(tmp_path / "b.npz", {**samples(1), "source": np.array([{"a": 1}], dtype=object)})
    for where in (tmp_path / "b.npz", tmp_path):
        with pytest.raises(UnsafeInputError, match="pickled Python objects"):
            calibration_set(model, str(where))


def test_samples_that_are_not_finite_are_left_out_by_name(model: Model, tmp_path: Path) -> None:
    arrays = samples(4)
    arrays["target"][1, 0, 0, 0] = np.nan
    arrays["source"][3, 2] = np.inf
    found = calibration_set(model, save(tmp_path / "a.npz", arrays))
    assert [each.name for each in found] == ["a, sample 1", "a, sample 3"]
    assert "Left out for NaN or infinite values: a, sample 2 (target), a, sample 4 (source)." in found.notes
    arrays["target"][:] = np.nan
    with pytest.raises(BadInputError, match=r"No sample of a.npz is finite. .*a, sample 1 \(target\)"):
        calibration_set(model, save(tmp_path / "a.npz", arrays))


def test_numbers_too_large_for_the_input_are_not_finite(model: Model, tmp_path: Path) -> None:
    arrays = {name: array.astype(np.float64) for name, array in samples(2).items()}
    arrays["target"][0] = 1e300
    assert [each.name for each in calibration_set(model, save(tmp_path / "a.npz", arrays))] == ["a, sample 2"]


def test_whole_numbers_must_fit(tmp_path: Path) -> None:
    model = model_of([TensorInfo("ids", (1, 2), "uint8")])
    assert len(calibration_set(model, save(tmp_path / "a.npz", {"ids": np.array([[1, 255]])}))) == 1
    with pytest.raises(BadInputError, match="do not fit into uint8"):
        calibration_set(model, save(tmp_path / "b.npz", {"ids": np.array([[1, 256]])}))


def _npy(header: bytes, data: bytes = b"") -> bytes:
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + data


HOSTILE = {
    "promises more than there is": _npy(b"{'descr': '<f4', 'fortran_order': False, 'shape': (9, 4), }\n", b"\0" * 16),
    "header runs code": _npy(b"__import__('os').system('true')\n"),
    "header of brackets": _npy(b"[" * 5000 + b"\n"),
    "negative shape": _npy(b"{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 4), }\n"),
    "no array": b"words",
    "nothing": b"",
    "huge shape": _npy(b"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999, 4), }\n", b"\0" * 64),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_members_end_in_a_sentence(model: Model, tmp_path: Path, case: str) -> None:
    path = tmp_path / "a.npz"
    target = io.BytesIO()
    np.save(target, samples(1)["target"])
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("target.npy", target.getvalue())
        archive.writestr("source.npy", HOSTILE[case])
    with pytest.raises(BadInputError, match=r"a\.npz"):
        calibration_set(model, str(path))


def test_every_cut_of_a_file_ends_in_a_sentence(model: Model, tmp_path: Path) -> None:
    whole = Path(save(tmp_path / "a.npz", samples(2), compressed=True)).read_bytes()
    for size in range(1, len(whole) - 1, 37):
        (tmp_path / "a.npz").write_bytes(whole[:size])
        with pytest.raises(BadInputError):
            calibration_set(model, str(tmp_path / "a.npz"))


def test_memory_does_not_grow_with_the_number_of_saved_samples(tmp_path: Path) -> None:
    model = model_of([picture("target", 64)])
    generator = np.random.default_rng(0)
    path = save(tmp_path / "a.npz", {"target": generator.random((200, 3, 64, 64)).astype(np.float32)})
    tracemalloc.start()
    total = sum(float(sample.feeds["target"].mean()) for sample in calibration_set(model, path, 200))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert total == pytest.approx(100, abs=1)
    assert peak < 3_000_000  # all of them are 9.8 MB
