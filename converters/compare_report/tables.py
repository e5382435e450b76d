"""The tables of a report. Everything that comes from a file is escaped here."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from converters.compare.comparison import Candidate, Comparison, written
from converters.compare.measures import MEASURES
from converters.compare_report.charts import COLOURS
from converters.destination import readable_size

_RUNTIMES = {"onnx": "ONNX Runtime", "mnn": "MNN", "tflite": "LiteRT", "coreml": "Core ML"}


def overview(comparison: Comparison, measures: Sequence[str]) -> str:
    """Return one row per candidate: the mean and the worst of its leading output's measures, size and time."""
    rows, used = [], []
    for candidate in comparison.candidates:
        if candidate.outputs:
            found = candidate.outputs[candidate.leading[0]]["measures"]
            used += [measure for measure in measures if measure in found and measure not in used]
    for place, candidate in enumerate(comparison.candidates):
        name = f'<th scope=row><i class="swatch series{place % COLOURS}"></i>{escape(candidate.name)}</th>'
        if candidate.side is None or not candidate.outputs:
            rows.append(f"<tr>{name}<td colspan={2 * len(used) + 2}>could not be compared</td></tr>")
            continue
        cells = []
        found = candidate.outputs[candidate.leading[0]]["measures"]
        for measure in used:
            summary = found[measure]["summary"] if measure in found else None
            cells += [written(measure, summary[key]) if summary else "" for key in ("mean", "worst")]
        star = "<sup>*</sup>" if candidate.side["is_reference"] else ""
        cells.append(readable_size(candidate.side["size"]))
        numbers = "".join(f"<td class=number>{escape(cell)}</td>" for cell in cells)
        time = f"<td class=number>{candidate.side['latency']['median'] * 1000:.1f} ms{star}</td>"
        rows.append(f"<tr>{name}{numbers}{time}</tr>")
    titles = [f"{MEASURES[measure].title} {word}" for measure in used for word in ("mean", "worst")]
    head = "".join(f"<th scope=col class=number>{escape(title)}</th>" for title in [*titles, "size", "median run"])
    return table("", f"<tr><th scope=col>candidate</th>{head}</tr>", rows)


def measures_table(output: Mapping[str, Any]) -> str:
    """Return mean, 95th percentile and worst of every measure of one output."""
    rows = []
    for measure, found in output["measures"].items():
        known, summary = MEASURES[measure], found["summary"]
        cells = "".join(f"<td class=number>{escape(written(measure, summary[key]))}</td>" for key in _KEYS)
        equal = f" <span class=quiet>({summary['equal']} equal)</span>" if summary["equal"] else ""
        arrow = "higher is nearer" if known.higher_is_better else "lower is nearer"
        rows.append(
            f'<tr><th scope=row title="{escape(known.help)}">{escape(known.title)}{equal}'
            f"<span class=quiet> {'↑' if known.higher_is_better else '↓'}<span class=hidden> {arrow}</span></span></th>"
            f"{cells}<td class=name>{escape(str(summary['worst_sample']))}</td></tr>"
        )
    head = "".join(f'<th scope=col class="{kind}">{text}</th>' for text, kind in _HEAD)
    caption = f"Output <b>{escape(output['name'])}</b> ({escape(str(output['role']))})"
    return table(caption, f"<tr>{head}</tr>", rows)


_KEYS = ("mean", "p95", "worst")
_HEAD = (
    ("measure", ""),
    ("mean", "number"),
    ("95 % no worse than", "number"),
    ("worst", "number"),
    ("worst picture", ""),
)


def sides_table(comparison: Comparison) -> str:
    """Return size, time, runtime and hash of every file."""
    sides = [comparison.original, *(each.side for each in comparison.candidates if each.side)]
    largest = max([side["size"] for side in sides] + [1])
    slowest = max([side["latency"]["median"] for side in sides] + [1e-9])
    rows = []
    for side in sides:
        latency = side["latency"]
        label = f"{_RUNTIMES.get(side['runtime'], side['runtime'])}, {side['threads']} threads"
        star = "<sup>*</sup>" if side["is_reference"] else ""
        details = ", ".join(word for word in (side["precision"], side["engine"]) if word)
        rows.append(
            f"<tr><th scope=row>{escape(side['name'])}<div class=quiet>{escape(details)}</div></th>"
            f"<td class=number>{readable_size(side['size'])}{bar(side['size'] / largest)}</td>"
            f"<td class=number>{latency['median'] * 1000:.1f} ms{star}{bar(latency['median'] / slowest)}</td>"
            f"<td class=number>{latency['p90'] * 1000:.1f} ms{star}</td>"
            f"<td class=number>{latency['runs']}</td>"
            f"<td>{escape(label)}</td><td><code class=hash>{escape(side['sha256'])}</code></td></tr>"
        )
    names = ("file", "size", "median", "p90", "runs", "runtime", "SHA-256")
    kinds = ("", "number", "number", "number", "number", "", "")
    head = "".join(f'<th scope=col class="{kind}">{name}</th>' for name, kind in zip(names, kinds, strict=True))
    labels = {side["label"] for side in sides if side["is_reference"]}
    notes = [
        f"<p class=quiet><sup>*</sup> Core ML was run by the {escape(label)}; its time is not a phone's.</p>"
        for label in sorted(labels)
    ]
    caption = "One run on one picture, measured on this machine after warming up; a phone's times are others."
    return table(caption, f"<tr>{head}</tr>", rows) + "".join(notes)


def pictures_table(candidate: Candidate) -> str:
    """Return every measure of every picture, the worst picture first."""
    columns = [
        (measure, output, found["values"])
        for output in candidate.outputs
        for measure, found in output["measures"].items()
    ]
    several = len(candidate.outputs) > 1
    head = "<th scope=col>picture</th>" + "".join(
        f"<th scope=col class=number>{escape(prefix + MEASURES[name].title)}</th>"
        for name, output, _ in columns
        for prefix in [f"{output['name']}: " if several else ""]
    )
    rows = [
        f"<tr><th scope=row class=name>{escape(name)}</th>"
        + "".join(
            f"<td class=number>{escape(written(measure, values[name])) if name in values else '–'}</td>"
            for measure, _, values in columns
        )
        + "</tr>"
        for name in candidate.worst_first()
    ]
    return table("", f"<tr>{head}</tr>", rows)


def recipe(candidate: Candidate) -> str:
    """Return what made a candidate, "" where that is not known."""
    if candidate.recipe is None:
        return ""
    told = {key: value for key, value in candidate.recipe.items() if key != "steps"}  # what steps found has its tables
    text = json.dumps(told, indent=2, ensure_ascii=False)
    return f"<details><summary>The recipe that made this file</summary><pre>{escape(text)}</pre></details>"


def notes(sentences: Sequence[str]) -> str:
    """Return sentences as a list, "" for none."""
    items = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences if sentence)
    return f"<ul class=notes>{items}</ul>" if items else ""


def table(caption: str, head: str, rows: Sequence[str]) -> str:
    """Return a table that scrolls where it is wider than the page; all of it is escaped already."""
    above = f"<caption>{caption}</caption>" if caption else ""
    return f"<div class=scroll><table>{above}<thead>{head}</thead><tbody>{''.join(rows)}</tbody></table></div>"


def bar(share: float) -> str:
    """Return a bar as long as a share, 0..1, of its cell."""
    return f'<div class=bar aria-hidden=true><i style="width:{min(max(share, 0), 1):.1%}"></i></div>'
