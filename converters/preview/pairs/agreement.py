"""How well two models agree that draw nothing: boxes, points, masks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from converters.face.detect.suppression import overlaps
from converters.face.faces import Detection, Mask, Points

SAME_BOX: Final = 0.5
"""Intersection over union from which on two boxes are of one face, as face detection benchmarks count."""


def matched(one: Sequence[Detection], other: Sequence[Detection]) -> dict[int, tuple[int, float]]:
    """Return which boxes are of one face, the best fits first; every box once at most.

    Returns:
        Place in `one`: place in `other` and the intersection over union, `SAME_BOX`..1.
    """
    if not one or not other:
        return {}
    shares = overlaps(np.array([each.box for each in one]), np.array([each.box for each in other]))
    pairs: dict[int, tuple[int, float]] = {}
    taken: set[int] = set()
    for place in np.argsort(-shares, axis=None, kind="stable"):
        ours, theirs = (int(part) for part in np.unravel_index(place, shares.shape))
        if shares[ours, theirs] < SAME_BOX:
            break
        if ours not in pairs and theirs not in taken:
            pairs[ours] = (theirs, float(shares[ours, theirs]))
            taken.add(theirs)
    return pairs


def box_figures(one: Sequence[Detection], other: Sequence[Detection]) -> dict[str, float]:
    """Return `boxes_original` and `boxes_candidate` (counts), `boxes_matched` (0..1 of all) and their mean `iou`.

    Where neither found anything they agree; where nothing matches there is no `iou`.
    """
    pairs = matched(one, other)
    count = len(one) + len(other)
    figures = {
        "boxes_original": float(len(one)),
        "boxes_candidate": float(len(other)),
        "boxes_matched": 2 * len(pairs) / count if count else 1.0,
    }
    if pairs:
        figures["iou"] = float(np.mean([share for _, share in pairs.values()]))
    return figures


def point_figures(faces: Sequence[tuple[Points, Points, float]]) -> dict[str, float]:
    """Return `points_apart`, the mean distance in pixels, and `points_apart_share`, that in sizes of the face.

    Args:
        faces: of each the points of both sides (count x 2) and its size in pixels.
    """
    if not faces:
        return {}
    apart = [float(np.hypot(*(one - other).T).mean()) for one, other, _ in faces]
    shares = [distance / max(size, 1.0) for distance, (_, _, size) in zip(apart, faces, strict=True)]
    return {"points_apart": float(np.mean(apart)), "points_apart_share": float(np.mean(shares))}


def mask_figures(masks: Sequence[tuple[Mask, Mask]]) -> dict[str, float]:
    """Return `mask_iou`, the mean intersection over union of soft masks: sum of the smaller by sum of the larger."""
    if not masks:
        return {}
    shares = []
    for one, other in masks:
        united = float(np.maximum(one, other).sum(dtype=np.float64))
        shares.append(float(np.minimum(one, other).sum(dtype=np.float64)) / united if united else 1.0)
    return {"mask_iou": float(np.mean(shares))}
