"""Random changes of crops: what they keep and how far they go."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from converters.face.align import TEMPLATES
from converters.samples import draw_picture
from converters.training.augment import cover, crop, degrade, face_oval, recolour


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def pixels() -> torch.Tensor:
    pictures = np.stack([draw_picture(seed)[48:208, 48:208] for seed in range(6)])
    return torch.from_numpy(pictures.transpose(0, 3, 1, 2).copy())


def test_a_crop_without_change_is_the_exact_middle_or_its_mirror(pixels: torch.Tensor) -> None:
    plain = crop(pixels, generator(), shift=0, scale=0, turn=0)
    middle = pixels[:, :, 16:144, 16:144].float() / 255
    is_plain = (plain - middle).abs().amax((1, 2, 3)) < 1e-4
    is_mirrored = (plain - middle.flip(3)).abs().amax((1, 2, 3)) < 1e-4
    assert torch.all(is_plain ^ is_mirrored)
    assert 0 < is_plain.sum() < 6
    shifted = crop(pixels, generator(), shift=4, scale=0, turn=0)
    assert (shifted - middle).abs().amax((1, 2, 3)).min() > 1e-2


@pytest.mark.parametrize("change", [recolour, degrade, cover])
def test_changes_stay_in_range_and_repeat_with_their_seed(pixels: torch.Tensor, change: object) -> None:
    views = crop(pixels, generator())
    changed = change(views, generator(1))  # type: ignore[operator]
    assert changed.shape == views.shape
    assert float(changed.min()) >= 0
    assert float(changed.max()) <= 1
    assert not torch.equal(changed, views)
    assert torch.equal(changed, change(views, generator(1)))  # type: ignore[operator]
    assert not torch.equal(changed, change(views, generator(2)))  # type: ignore[operator]


def test_the_oval_holds_the_face_and_leaves_the_corners() -> None:
    oval = face_oval()
    for x, y in np.asarray(TEMPLATES["arcface_128"]) * 128:
        assert float(oval[round(y), round(x)]) == 1
    assert float(oval[0].max()) == float(oval[:, 0].max()) == 0
    assert 0.3 < float(oval.mean()) < 0.6
