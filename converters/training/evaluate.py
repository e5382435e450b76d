"""How good a swapper is on faces it never saw, in figures and as a contact sheet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from converters.face.masks import box_mask
from converters.measure.lpips_torch import LpipsLoss
from converters.training.augment import face_oval

Swap = Callable[[Tensor, Tensor], Tensor]
"""targets (N x 3 x 128 x 128, RGB, 0..1) and unit embeddings (N x 512) -> pictures like the targets."""
Embed = Callable[[Tensor], Tensor]
"""`arcface_128` crops (N x 3 x 128 x 128, RGB, 0..1) -> unit embeddings (N x 512)."""
_BATCH = 20


@dataclass(frozen=True)
class Figures:
    """What `measure` finds.

    Attributes:
        pairs: how many swaps of different people.
        self_psnr, self_lpips: a face swapped with itself against the original; decibels, mean; LPIPS, mean.
        nearer: share of swaps whose embedding is nearer to the source's than to the target's.
        to_source, to_target: mean cosine of the swap's embedding to both.
        lpips: of the swap to its target, mean: pose, expression, light and surroundings.
        around_psnr: decibels of the pasted swap against its target outside the face's oval, over all pixels.
    """

    pairs: int
    self_psnr: float
    self_lpips: float
    nearer: float
    to_source: float
    to_target: float
    lpips: float
    around_psnr: float


@torch.no_grad()
def measure(swap: Swap, embed: Embed, crops: Tensor, pairs: int = 1000, seed: int = 0) -> Figures:
    """Measure a swapper on crops (N x 3 x 128 x 128, RGB, 0..1) and on random pairs of two different ones."""
    lpips = LpipsLoss()
    embeddings = torch.cat([embed(batch) for batch in _batches(crops)])
    own_psnr, own_lpips = [], []
    for batch, identity in zip(_batches(crops), _batches(embeddings), strict=True):
        made = swap(batch, identity)
        own_psnr.append(-10 * torch.log10((made - batch).square().mean((1, 2, 3))))
        own_lpips.append(lpips(made, batch))
    sources, targets = (torch.from_numpy(part) for part in random_pairs(len(crops), pairs, seed))
    mask = torch.tensor(box_mask(128))
    outside = face_oval() == 0
    to_source, to_target, kept, errors = [], [], [], []
    for source, target in zip(_batches(sources), _batches(targets), strict=True):
        made = swap(crops[target], embeddings[source])
        found = embed(made)
        to_source.append((found * embeddings[source]).sum(1))
        to_target.append((found * embeddings[target]).sum(1))
        kept.append(lpips(made, crops[target]))
        pasted = crops[target] + (made - crops[target]) * mask
        errors.append((pasted - crops[target]).square()[..., outside].mean((1, 2)))
    near, far = torch.cat(to_source), torch.cat(to_target)
    return Figures(
        pairs=pairs,
        self_psnr=float(torch.cat(own_psnr).mean()),
        self_lpips=float(torch.cat(own_lpips).mean()),
        nearer=float((near > far).float().mean()),
        to_source=float(near.mean()),
        to_target=float(far.mean()),
        lpips=float(torch.cat(kept).mean()),
        around_psnr=float(-10 * torch.log10(torch.cat(errors).mean())),
    )


def random_pairs(count: int, pairs: int, seed: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return `pairs` numbers below `count` twice, never the same in one place."""
    generator = np.random.default_rng(seed)
    first = generator.integers(0, count, pairs)
    return first, (first + generator.integers(1, count, pairs)) % count


@torch.no_grad()
def contact_sheet(swap: Swap, embed: Embed, sources: Tensor, targets: Tensor) -> npt.NDArray[np.uint8]:
    """Return a picture (RGB): targets in the first column, sources in the first row, their swaps between."""
    identities = embed(sources)
    rows = [torch.cat([torch.ones_like(sources[:1]), sources])]
    for target in targets:
        made = swap(target.expand(len(sources), -1, -1, -1), identities)
        rows.append(torch.cat([target[None], made]))
    picture = torch.cat([torch.cat(list(_separate(row)), dim=2) for row in rows], dim=1)
    return (picture.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).contiguous().numpy()


def _batches(values: Tensor) -> list[Tensor]:
    return [values[start : start + _BATCH] for start in range(0, len(values), _BATCH)]


def _separate(row: Tensor) -> Iterator[Tensor]:
    for picture in row:
        yield functional.pad(picture, (2, 2, 2, 2), value=1.0)
