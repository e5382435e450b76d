"""NonMaxSuppression, Compress and ReverseSequence: results whose shape or order depends on the data."""

from __future__ import annotations

import math

import torch

from converters.torch_import.operation import Operation, normalized_axes
from converters.torch_import.registry import builds
from converters.torch_import.values import Constant, Fact, Value


def non_max_suppression(
    boxes: torch.Tensor,
    scores: torch.Tensor,
    limit: int,
    largest_overlap: float,
    lowest_score: float,
    centred: bool,
) -> torch.Tensor:
    """Select boxes by score, dropping those that overlap a better one of the same class.

    Args:
        boxes: (batch, count, 4); corners y1, x1, y2, x2 in any order, or centre x, y, width, height.
        scores: (batch, classes, count).
        limit: boxes per batch and class at most.
        largest_overlap: intersection over union above which a box is dropped.
        lowest_score: only scores above it count.
        centred: boxes are given by their centre.

    Returns:
        int64 (selected, 3): batch, class and box index, best first within batch and class.
    """
    chosen: list[list[int]] = []
    corners = _corners(boxes, centred)
    for batch in range(scores.shape[0]):
        for kind in range(scores.shape[1]):
            ranked = torch.sort(scores[batch, kind], descending=True, stable=True)
            order = ranked.indices[ranked.values > lowest_score]
            taken = 0
            while len(order) and taken < limit:
                best, order = order[0], order[1:]
                chosen.append([batch, kind, int(best)])
                taken += 1
                order = order[_overlap(corners[batch, best], corners[batch, order]) <= largest_overlap]
    return torch.tensor(chosen, dtype=torch.int64).reshape(-1, 3)


def _corners(boxes: torch.Tensor, centred: bool) -> torch.Tensor:
    first, second = boxes[..., :2], boxes[..., 2:]
    if centred:
        return torch.cat([first - second / 2, first + second / 2], -1)
    return torch.cat([torch.minimum(first, second), torch.maximum(first, second)], -1)


def _overlap(box: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
    low = torch.maximum(box[:2], others[:, :2])
    high = torch.minimum(box[2:], others[:, 2:])
    shared = (high - low).clamp(min=0).prod(-1)
    areas = (others[:, 2:] - others[:, :2]).prod(-1) + (box[2:] - box[:2]).prod(-1)
    union = areas - shared
    return torch.where(union > 0, shared / union.clamp(min=1e-12), torch.zeros_like(union))


@builds("NonMaxSuppression")
def suppress(op: Operation) -> Value:
    limits, overlaps, scores = (op.constant(index) for index in (2, 3, 4))
    return op.emit(
        non_max_suppression,
        op.tensor(0),
        op.tensor(1),
        int(limits.reshape(-1)[0]) if limits is not None else 0,
        float(overlaps.reshape(-1)[0]) if overlaps is not None else 0.0,
        float(scores.reshape(-1)[0]) if scores is not None else -math.inf,
        bool(op.attribute("center_point_box", 0)),
        fact=Fact((None, 3), torch.int64),
    )


@builds("Compress")
def compress(op: Operation) -> Value:
    value, condition = op.tensor(0), op.tensor(1)
    axis = op.attribute("axis")
    if axis is None:
        value, axis = op.call("reshape", value, (-1,)), 0
    axis = normalized_axes([axis], op.rank(value))[0]
    length = op.shape(condition)[0]
    if length < op.size(value, axis):  # what lies beyond the condition is not kept
        value = op.call("narrow", value, axis, 0, length)
    shape = tuple(None if place == axis else size for place, size in enumerate(op.shape(value)))
    picked = op.emit(torch.nonzero, condition, fact=Fact((None, 1), torch.int64))
    index = op.emit("reshape", picked, (-1,), fact=Fact((None,), torch.int64))
    return op.emit(torch.index_select, value, axis, index, fact=Fact(shape, op.dtype(value)))


@builds("ReverseSequence")
def reverse_sequence(op: Operation) -> Value:
    value, lengths = op.tensor(0), op.constant(1)
    assert lengths is not None
    time_axis, batch_axis = op.attribute("time_axis", 0), op.attribute("batch_axis", 1)
    shape = op.shape(value)
    steps = torch.arange(shape[time_axis])[:, None]
    ends = lengths.to(torch.int64)[None, :]
    order = torch.where(steps < ends, ends - 1 - steps, steps)
    if batch_axis < time_axis:
        order = order.T
    index = order.reshape([shape[axis] if axis in (time_axis, batch_axis) else 1 for axis in range(len(shape))])
    return op.call(torch.gather, value, time_axis, Constant(index.expand(shape).contiguous()))
