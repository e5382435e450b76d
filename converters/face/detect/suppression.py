"""Many boxes for one face become one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Boxes = npt.NDArray[np.float32]
"""Count x 4: left, top, right, bottom."""
Numbers = npt.NDArray[np.float32]
Places = npt.NDArray[np.intp]
MOST_CANDIDATES = 2000  # the best of them; a picture of noise may give a box everywhere


def overlaps(one: npt.NDArray[np.floating], other: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    """Return the intersection over union of every box of `one` with every box of `other`.

    Args:
        one: n x 4, or 4 for a single box: left, top, right, bottom.
        other: m x 4, of the same dtype.

    Returns:
        n x m, 0..1, of that dtype.
    """
    first, second = one.reshape(-1, 1, 4), other.reshape(1, -1, 4)
    sizes = np.minimum(first[..., 2:], second[..., 2:]) - np.maximum(first[..., :2], second[..., :2])
    shared = np.prod(np.maximum(sizes, 0), axis=-1)
    areas = [np.prod(np.maximum(boxes[..., 2:] - boxes[..., :2], 0), axis=-1) for boxes in (first, second)]
    return np.asarray(shared / np.maximum(areas[0] + areas[1] - shared, 1e-9))


def suppress(boxes: Boxes, scores: Numbers, limit: float) -> tuple[Places, Places]:
    """Keep the best box of every heap of boxes that overlap it by more than `limit`.

    Args:
        boxes: count x 4.
        scores: count.
        limit: intersection over union, 0..1.

    Returns:
        kept: places of the boxes kept, best first.
        owner: for every box the position in `kept` of the one it gave way to; -1 for those beyond `MOST_CANDIDATES`.
    """
    owner = np.full(len(scores), -1, np.intp)
    waiting = np.argsort(-scores, kind="stable")[:MOST_CANDIDATES]
    kept: list[np.intp] = []
    while len(waiting):
        best = waiting[0]
        covered = overlaps(boxes[best], boxes[waiting])[0] > limit
        covered[0] = True
        owner[waiting[covered]] = len(kept)
        kept.append(best)
        waiting = waiting[~covered]
    return np.array(kept, np.intp), owner


def blended(values: Numbers, scores: Numbers, owner: Places, count: int) -> Numbers:
    """Return the mean of every heap's values, weighted by score: steadier from frame to frame than the best alone.

    As the BlazeFace paper (Bazarevsky et al., 2019, section 3.4) does in place of plain suppression.

    Args:
        values: candidates x anything.
        scores: candidates.
        owner: heap of each candidate, as from `suppress`.
        count: number of heaps, each with one member at least.
    """
    in_heap = owner >= 0
    flat = values.reshape(len(values), -1)[in_heap] * scores[in_heap, None]
    sums = np.zeros((count, flat.shape[1]), np.float32)
    weights = np.zeros(count, np.float32)
    np.add.at(sums, owner[in_heap], flat)
    np.add.at(weights, owner[in_heap], scores[in_heap])
    return (sums / weights[:, None]).reshape(count, *values.shape[1:])
