"""Choosing boxes."""

from __future__ import annotations

import torch

from converters.errors import BadInputError
from converters.runtimes.mil.call import Call
from converters.runtimes.mil.registry import operator
from converters.runtimes.mil.value_types import element_count


@operator("non_maximum_suppression")
def non_maximum_suppression(call: Call) -> tuple[torch.Tensor, ...]:
    """Boxes by falling score, without those that overlap a better one too much.

    Boxes are (centre x, centre y, width, height). From iOS 17 on, boxes and scores have the box as their last
    axis and there is neither a score threshold nor a count; before that, the box is the middle axis.
    """
    boxes, scores = call.floats("boxes"), call.floats("scores")
    older = len(call.operation.outputs) == 4
    if boxes.dim() != 3 or scores.dim() != 3:
        raise BadInputError(f"The operator {call.operation.label} has inputs that are not of rank 3.")
    if not older:
        boxes, scores = boxes.transpose(1, 2), scores.transpose(1, 2)
    if boxes.shape[2] != 4 or boxes.shape[:2] != scores.shape[:2]:
        raise BadInputError(f"The operator {call.operation.label} has boxes and scores that do not belong together.")
    most = call.integer("max_boxes")
    batch, _count, classes = scores.shape
    element_count([batch, most, max(classes, 4)])
    iou_threshold = call.number("iou_threshold")
    score_threshold = call.number("score_threshold") if "score_threshold" in call else -torch.inf
    per_class = call.flag("per_class_suppression")
    kept_boxes, kept_scores = torch.zeros(batch, most, 4), torch.zeros(batch, most, classes)
    indices, counts = torch.full((batch, most), -1), torch.zeros(batch, dtype=torch.int64)
    for image in range(batch):
        chosen = _suppress(boxes[image], scores[image], iou_threshold, score_threshold, most, per_class)
        number = len(chosen)
        kept_boxes[image, :number], kept_scores[image, :number] = boxes[image, chosen], scores[image, chosen]
        indices[image, :number], counts[image] = chosen, number
    if older:
        return kept_boxes, kept_scores, indices, counts
    return kept_boxes.transpose(1, 2), kept_scores.transpose(1, 2), indices


def _suppress(
    boxes: torch.Tensor,
    scores: torch.Tensor,
    iou_threshold: float,
    score_threshold: float,
    most: int,
    per_class: bool,
) -> torch.Tensor:
    """Return the positions of the boxes to keep, best first; the best one if no score is good enough."""
    best, classes = scores.max(dim=1)
    order = torch.sort(best, descending=True, stable=True).indices
    chosen: list[int] = []
    for position in order.tolist():
        if len(chosen) == most or best[position] <= score_threshold:
            break
        rivals = [other for other in chosen if not per_class or classes[other] == classes[position]]
        if rivals and float(_overlaps(boxes[position], boxes[rivals]).max()) > iou_threshold:
            continue
        chosen.append(position)
    if not chosen and len(order) and most > 0:
        chosen = [int(order[0])]
    return torch.tensor(chosen, dtype=torch.int64)


def _overlaps(box: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
    """Return intersection over union of one box with others, 0 where a box has no area."""
    low = torch.maximum(box[:2] - box[2:] / 2, others[:, :2] - others[:, 2:] / 2)
    high = torch.minimum(box[:2] + box[2:] / 2, others[:, :2] + others[:, 2:] / 2)
    common = (high - low).clamp(min=0).prod(dim=1)
    union = box[2:].prod() + others[:, 2:].prod(dim=1) - common
    return torch.where(union > 0, common / union, torch.zeros_like(common))
