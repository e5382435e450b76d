"""What files are called where several stand beside each other: what they are, and if need be where they lie."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from studio.project import MadeFile

TARGET_TITLES = {"mnn": "MNN", "tflite": "TFLite", "coreml": "Core ML", "onnx": "ONNX"}


def label_of(file: MadeFile) -> str:
    """Return what a file is: "MNN int8"."""
    return _title(file.target, file.precision)


def title_of_request(name: str) -> str:
    """Return the title of what a recipe calls "tflite-int8-weights"; other names as they are."""
    target, _, precision = name.partition("-")
    return _title(target, precision) if target in TARGET_TITLES else name


def labels_of(files: Sequence[MadeFile]) -> list[str]:
    """Return a label of its own for every file, in their order.

    Files of one kind are told apart by their names, files of one name by their folders.
    """
    return told_apart([(label_of(file), file.path) for file in files])


def told_apart(items: Sequence[tuple[str, Path]]) -> list[str]:
    """Return labels that differ where paths do.

    Args:
        items: a label and the path of each.
    """
    labels = [label for label, _ in items]
    for depth in range(5):
        counts = Counter(labels)
        if max(counts.values(), default=1) == 1:
            break
        labels = [
            _longer(label, path, depth) if counts[label] > 1 else label
            for label, (_, path) in zip(labels, items, strict=True)
        ]
    return labels


def _title(target: str, precision: str) -> str:
    return f"{TARGET_TITLES.get(target, target)} {precision.replace('-', ' ')}".strip()


def _longer(label: str, path: Path, depth: int) -> str:
    """Return a label with one more part of the path: the name, then the folders from the inside out."""
    parts = path.parts[::-1]
    part = parts[depth] if depth < len(parts) else ""
    if not part or part == path.anchor:
        return label
    return f"{label} · {part}" if depth else f"{label} · {path.name}"
