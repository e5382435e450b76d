"""People who do not exist: the same seed draws the same person, nobody's photograph, and they turn their heads."""

from __future__ import annotations

import itertools
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch.nn import functional

from converters.pictures import read_picture
from converters.samples import draw_picture
from converters.training import people as drawing
from converters.training.faces import FaceCrops
from converters.training.people import People, clip, figure, portrait, soft_focus, turned, varied, write_pictures
from converters.video import VideoReader


@pytest.fixture(scope="module")
def faces() -> FaceCrops:
    pictures = np.stack([draw_picture(seed)[48:208, 48:208] for seed in range(45)])
    return FaceCrops(tuple(map(str, range(45))), torch.from_numpy(pictures.transpose(0, 3, 1, 2).copy()))


@pytest.fixture(scope="module")
def people(faces: FaceCrops) -> People:
    def embed(crops: torch.Tensor) -> torch.Tensor:
        return functional.normalize(functional.avg_pool2d(crops, 16).flatten(1))

    def redden(targets: torch.Tensor, sources: torch.Tensor) -> torch.Tensor:
        return torch.cat([targets[:, :1] * 0.5 + 0.4 + 0.1 * sources[:, :1, None, None], targets[:, 1:]], 1)

    return People.of(faces, embed, redden)


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    return float(-10 * np.log10(np.mean((one - other) ** 2) + 1e-12))


def test_a_seed_is_a_person(people: People) -> None:
    one, again, other = people.draw(1), people.draw(1), people.draw(2)
    assert one.shape == (160, 160, 3)
    assert np.array_equal(one, again)
    assert psnr(one, other) < 40


def test_nobodys_photograph_is_in_the_picture(people: People, faces: FaceCrops) -> None:
    photographs = faces.pixels.permute(0, 2, 3, 1).numpy().astype(np.float32) / 255
    for seed in range(5):
        person = people.draw(seed)
        assert max(psnr(person, photograph) for photograph in photographs) < 25
    assert max(psnr(photographs[0], photograph) for photograph in photographs) > 100  # the measure would see one


def test_the_face_is_the_swappers_and_the_corners_are_not(people: People) -> None:
    person = people.draw(3)
    assert person[70:90, 70:90, 0].mean() > person[70:90, 70:90, 1].mean() + 0.1
    untouched = People(people.faces, people.embeddings, people.looks, lambda targets, _sources: targets).draw(3)
    assert np.array_equal(person[:10, :10], untouched[:10, :10])
    assert not np.array_equal(person[70:90, 70:90], untouched[70:90, 70:90])


def test_soft_focus_is_sharp_in_the_middle_only() -> None:
    squares = np.kron(np.indices((80, 80)).sum(0) % 2, np.ones((2, 2)))[..., None].repeat(3, 2).astype(np.float32)
    soft = soft_focus(squares)
    assert np.array_equal(soft[70:95, 70:90], squares[70:95, 70:90])
    assert soft[:12, :12].std() < 0.1 * squares[:12, :12].std()


def test_heads_turn_and_light_wanders(people: People) -> None:
    head = figure(people.draw(4))
    assert np.abs(turned(head, 0, 0, 0) - head).max() < 1e-3
    right, left = turned(head, 0.4, 0, 0), turned(head, -0.4, 0, 0)
    assert np.abs(right - left)[100:150, 100:150].mean() > 0.003
    assert np.abs(right - head)[:20].max() < 0.02  # the backdrop stands still
    lit = turned(head, 0, 0, 1)
    half = head.shape[1] // 2
    assert (lit - head)[:, half + 20 :].mean() > 0 > (lit - head)[:, : half - 20].mean()
    looks = [varied(people.draw(4), seed) for seed in range(6)]
    assert all(not np.array_equal(one, other) for one, other in itertools.combinations(looks, 2))


def test_portrait_stands_before_a_plain_backdrop(people: People) -> None:
    picture = portrait(people.draw(5))
    assert picture.shape == (256, 256, 3)
    assert picture.dtype == np.uint8
    assert cv2.Laplacian(picture[:30].astype(np.float32), cv2.CV_32F).std() < 2
    assert picture[120].std() > 5


def test_everything_is_written(people: People, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawing, "GALLERY", (1, 2))
    monkeypatch.setattr(drawing, "CROPS", range(3))
    monkeypatch.setattr(drawing, "CLIP_SECONDS", 1)
    write_pictures(people, tmp_path)
    assert [read_picture(file).shape for file in sorted((tmp_path / "gallery").iterdir())] == [(256, 256, 3)] * 2
    assert [read_picture(file).shape for file in sorted((tmp_path / "crops").iterdir())] == [(128, 128, 3)] * 3
    with VideoReader(tmp_path / "clip.mp4") as video:
        assert video.size == (1280, 720)
        assert sum(1 for _ in video) == 25


def test_the_two_of_the_clip_change_sides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawing, "CLIP_SECONDS", 1)
    red, green = (np.full((160, 160, 3), colour, np.float32) for colour in ((1, 0, 0), (0, 1, 0)))
    frames = list(clip((red, green)))
    assert len(frames) == 25

    def column(frame: np.ndarray, colour: int) -> float:
        share = np.clip(frame[..., colour].astype(float) - frame[..., 1 - colour] - 60, 0, None)
        return float((share * np.arange(frame.shape[1])).sum() / share.sum())

    assert column(frames[0], 0) + 300 < column(frames[0], 1)
    assert column(frames[12], 1) + 300 < column(frames[12], 0)
