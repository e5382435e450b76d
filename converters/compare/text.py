"""A comparison in words, for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from converters.compare.comparison import Comparison, in_one_sentence, written
from converters.compare.measures import MEASURES
from converters.destination import readable_size


def as_text(comparison: Comparison) -> str:
    """Return what was compared, a table of measures per candidate, and a table of sizes and times."""
    lines = [f"{len(comparison.names)} pictures: {comparison.pictures}. {comparison.embeddings}".rstrip()]
    for candidate in comparison.candidates:
        lines += ["", in_one_sentence(comparison.original, candidate)]
        for output in candidate.outputs:
            lines += _table(output)
        lines += [str(note) for note in (candidate.judgement or {}).get("notes", [])]
    lines += ["", *_sides(comparison)]
    remarks = [sentence for sentence in (comparison.judge, *comparison.notes) if sentence]
    if remarks:
        lines += ["", *remarks]
    return "\n".join(lines)


def _table(output: Mapping[str, Any]) -> list[str]:
    rows: list[tuple[str, ...]] = [
        (f"{output['name']} ({output['role']})", "mean", "95 % no worse than", "worst", "worst picture")
    ]
    for measure, found in output["measures"].items():
        summary = found["summary"]
        values = [written(measure, summary[key]) for key in ("mean", "p95", "worst")]
        arrow = "+" if MEASURES[measure].higher_is_better else "-"
        equal = f" ({summary['equal']} equal)" if summary["equal"] else ""
        rows.append((f"  {MEASURES[measure].title} ({arrow}){equal}", *values, summary["worst_sample"]))
    return _aligned(rows)


def _sides(comparison: Comparison) -> list[str]:
    rows: list[tuple[str, ...]] = [("file", "size", "median", "p90", "runtime", "sha256")]
    rows.append(_side(comparison.original))
    rows += [_side(candidate.side) for candidate in comparison.candidates if candidate.side]
    labels = {side["label"] for side in _all_sides(comparison) if side["is_reference"]}
    return [*_aligned(rows), *(f"Core ML was run by the {label}; its time is not a phone's." for label in labels)]


def _all_sides(comparison: Comparison) -> list[Mapping[str, Any]]:
    return [comparison.original, *(each.side for each in comparison.candidates if each.side)]


def _side(side: Mapping[str, Any]) -> tuple[str, ...]:
    latency = side["latency"]
    times = (f"{latency[key] * 1000:.1f} ms{'*' if side['is_reference'] else ''}" for key in ("median", "p90"))
    threads = f"{side['runtime']}, {side['threads']} threads"
    return (side["name"], readable_size(side["size"]), *times, threads, f"{side['sha256'][:12]}…")


def _aligned(rows: list[tuple[str, ...]]) -> list[str]:
    """Return rows with columns of equal width; the first and the last to the left, numbers to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:-1], widths[1:-1], strict=True)]
        lines.append("  ".join([*cells, row[-1]]).rstrip())
    return lines
