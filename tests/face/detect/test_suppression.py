"""One box per face."""

from __future__ import annotations

import numpy as np
import pytest

from converters.face.detect.suppression import MOST_CANDIDATES, blended, overlaps, suppress


def plain(boxes: np.ndarray, scores: np.ndarray, limit: float) -> list[int]:
    """Greedy suppression as one writes it on a blackboard."""
    kept: list[int] = []
    for place in sorted(range(len(scores)), key=lambda each: (-scores[each], each)):
        left, top, right, bottom = boxes[place].astype(float)
        for other in kept:
            a, b, c, d = boxes[other].astype(float)
            shared = max(0, min(right, c) - max(left, a)) * max(0, min(bottom, d) - max(top, b))
            union = (right - left) * (bottom - top) + (c - a) * (d - b) - shared
            if shared / union > limit:
                break
        else:
            kept.append(place)
    return kept


def random_boxes(seed: int, count: int = 200) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    corner = generator.uniform(0, 100, (count, 2))
    size = generator.uniform(5, 50, (count, 2))
    return np.hstack([corner, corner + size]).astype(np.float32), generator.random(count).astype(np.float32)


def test_overlap_of_known_boxes() -> None:
    box = np.array([0, 0, 2, 2], np.float32)
    others = np.array([[0, 0, 2, 2], [1, 1, 3, 3], [2, 0, 4, 2], [0, 0, 1, 2]], np.float32)
    assert overlaps(box, others) == pytest.approx(np.array([[1, 1 / 7, 0, 1 / 2]]))
    assert overlaps(others, others).shape == (4, 4)
    assert overlaps(others, others)[:, 0] == pytest.approx([1, 1 / 7, 0, 1 / 2])
    flat = np.array([[20, 20, 20, 30]])
    assert overlaps(flat.astype(np.float64), flat.astype(np.float64)) == 0  # no area
    assert overlaps(others[:0].astype(np.float64), flat.astype(np.float64)).shape == (0, 1)


@pytest.mark.parametrize("limit", [0.1, 0.4, 0.7])
@pytest.mark.parametrize("seed", range(3))
def test_the_same_boxes_are_kept_as_by_hand(limit: float, seed: int) -> None:
    boxes, scores = random_boxes(seed)
    kept, owner = suppress(boxes, scores, limit)
    assert kept.tolist() == plain(boxes, scores, limit)
    assert kept.tolist() != plain(boxes, scores, limit + 0.2)  # the twin: the limit is heard
    for place, heap in enumerate(owner):
        assert place == kept[heap] or overlaps(boxes[kept[heap]], boxes[place]) > limit


def test_no_boxes() -> None:
    kept, owner = suppress(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), 0.4)
    assert len(kept) == len(owner) == 0


def test_only_the_best_of_very_many_are_looked_at() -> None:
    count = MOST_CANDIDATES + 500
    left = np.arange(count, dtype=np.float32) * 10
    boxes = np.column_stack([left, left * 0, left + 5, left * 0 + 5]).astype(np.float32)
    kept, owner = suppress(boxes, np.linspace(0, 1, count, dtype=np.float32), 0.4)
    assert len(kept) == MOST_CANDIDATES
    assert (owner == -1).sum() == 500


def test_a_heap_is_averaged_by_score() -> None:
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [50, 50, 60, 60]], np.float32)
    scores = np.array([0.6, 0.2, 0.9], np.float32)
    kept, owner = suppress(boxes, scores, 0.4)
    assert kept.tolist() == [2, 0]
    mixed = blended(boxes, scores, owner, len(kept))
    assert mixed[0].tolist() == [50, 50, 60, 60]
    assert mixed[1] == pytest.approx([0.25, 0, 10.25, 10])
