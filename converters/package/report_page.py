"""report.html: what a package holds and what is known of it, on one page without files beside it or addresses in it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from converters.compare.comparison import Candidate, finding
from converters.compare_report import tables
from converters.compare_report.quantization import quantization
from converters.compare_report.writing import comparison_from
from converters.destination import readable_size
from converters.measure.parity import SampleKind, limits_for
from converters.model.families import Family
from converters.package.feeding import Feeding
from converters.package.licence import commercial_use

REPORT_PAGE, REPORT_DATA, COMPARISON_PAGE = "report.html", "report.json", "comparison.html"
_STYLE = Path(__file__).resolve().parents[1] / "compare_report" / "report.css"
_TITLES = {"coreml": "Core ML", "tflite": "TFLite", "mnn": "MNN", "onnx": "ONNX"}
_OVERVIEW = ("lpips", "psnr", "source_drop", "displacement", "cosine", "largest")
_MOST_MEASURES = 3


@dataclass(frozen=True)
class ReportedFile:
    """One model file of the package.

    Attributes:
        feeding: how it is fed.
        size, sha256: of it.
        verified, outdated: as in `PackagedFile`.
        report: plain data of its `Artifact`.
        made_by: what `recipe_beside` found, {} for nothing.
    """

    feeding: Feeding
    size: int
    sha256: str
    verified: bool
    outdated: bool
    report: Mapping[str, Any]
    made_by: Mapping[str, Any]


def report_page(
    files: Sequence[ReportedFile],
    known: Family | None,
    model: Mapping[str, Any],
    comparison: Mapping[str, Any] | None,
    recipe: Mapping[str, Any] | None,
) -> str:
    """Return the whole page; everything in it that comes from files is escaped.

    Args:
        files: at least one.
        known: the family.
        model: plain data of the original's inspection, {} for unknown.
        comparison: plain data of a comparison, None for none.
        recipe: plain data, None when it is not to be shown.
    """
    style = _STYLE.read_text(encoding="utf-8")
    first = files[0].feeding
    title = escape(f"{known.title if known else first.source_name}: {len(files)} files for phones")
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="referrer" content="no-referrer">'
        f"<title>{title}</title><style>{style}</style></head><body>"
        f'<header><div><p class="quiet">FaceFusion Mobile Studio</p><h1>{title}</h1></div></header><main>'
        f"{_model(first, known, model)}{_files(files)}{_compared(comparison)}"
        f"{''.join(_file(file) for file in files)}{_recipe(recipe)}</main></body></html>\n"
    )


def _model(first: Feeding, known: Family | None, model: Mapping[str, Any]) -> str:
    cost, source = model.get("cost") or {}, model.get("source") or {}
    facts = [
        ("Original", first.source_name),
        ("SHA-256", first.source_sha256),
        ("Size", readable_size(source["size"]) if source.get("size") else ""),
        ("Model", f"{known.title} ({known.kind})" if known else "not recognised"),
        ("Vendor", known.vendor if known else "not known"),
        ("Licence", f"{(known.licence if known else '') or 'not known'}. {commercial_use(known)}"),
        ("Parameters", f"{cost['parameters']:,}" if cost.get("parameters") else ""),
        ("Multiply-accumulates", f"{cost['macs'] / 1e9:.2f} G" if cost.get("macs") else ""),
    ]
    items = "".join(f"<dt>{escape(name)}</dt><dd>{escape(str(value))}</dd>" for name, value in facts if value)
    return f"<section><h2>The model</h2><dl>{items}</dl></section>"


def _files(files: Sequence[ReportedFile]) -> str:
    rows = []
    for file in files:
        verdict = "verified" if file.verified else "<b>NOT VERIFIED</b>"
        verdict += "<div class=quiet>the settings have changed since</div>" if file.outdated else ""
        rows.append(
            f"<tr><th scope=row class=name>{escape(file.feeding.file)}"
            f"<div class=quiet>{escape(_TITLES[file.feeding.target])}, {escape(file.feeding.precision)}, "
            f"{escape(file.feeding.engine)}</div></th>"
            f"<td class=number>{readable_size(file.size)}</td><td>{verdict}</td>"
            f"<td><code class=hash>{escape(file.sha256)}</code></td></tr>"
        )
    head = "<tr><th scope=col>file</th><th scope=col class=number>size</th><th scope=col>verification</th>"
    table = tables.table("", f"{head}<th scope=col>SHA-256</th></tr>", rows)
    return f"<section><h2>Files</h2>{table}</section>"


def _file(file: ReportedFile) -> str:
    verification = file.report.get("verification")
    notes = [str(note) for note in file.report.get("notes") or ()]
    bad = "" if file.verified else ' class="bad"'
    shown = _verdict(file, verification) if isinstance(verification, Mapping) else "<p>It was not verified.</p>"
    made = quantization(Candidate(file.feeding.file, recipe=file.made_by)) if file.made_by else ""
    return f"<section{bad}><h2>{escape(file.feeding.file)}</h2>{shown}{tables.notes(notes)}{made}</section>"


def _verdict(file: ReportedFile, verification: Mapping[str, Any]) -> str:
    worst = verification.get("worst") or {}
    limits = limits_for(file.feeding.precision, SampleKind.REAL)
    passed = "It passed" if verification.get("passed") else "It did not pass"
    sentence = (
        f"{passed}: {verification.get('samples', 0)} samples, {verification.get('values', 0):,} numbers compared with "
        f"the original's. Limits for {file.feeding.precision} on real pictures: a largest difference of "
        f"{limits.largest:g} of the output's span, and at least {limits.psnr:g} dB."
    )
    rows = [_difference(item, item is worst) for item in _worst_of_each(verification, worst)]
    head = "".join(
        f'<th scope=col class="{kind}">{title}</th>'
        for title, kind in (
            ("sample", ""),
            ("output", ""),
            ("largest, of the span", "number"),
            ("PSNR", "number"),
            ("verdict", ""),
        )
    )
    complaint = worst.get("complaint")
    said = (
        f'<p class="sentence">On {escape(str(worst.get("sample")))} the output {escape(str(worst.get("output")))} '
        f"{escape(str(complaint))}.</p>"
        if complaint
        else ""
    )
    table = tables.table("The worst sample of each kind", f"<tr>{head}</tr>", rows)
    return f"<p>{escape(sentence)}</p>{said}{table}{tables.notes(list(map(str, verification.get('notes') or ())))}"


def _worst_of_each(verification: Mapping[str, Any], worst: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the worst difference of all, then of each kind of sample."""
    found: dict[str, Mapping[str, Any]] = {}
    for item in verification.get("differences") or ():
        before = found.get(item["kind"])
        if before is None or _badness(item) > _badness(before):
            found[item["kind"]] = item
    rest = [item for item in found.values() if item.get("sample") != worst.get("sample")]
    return [worst, *rest] if worst else rest


def _badness(item: Mapping[str, Any]) -> float:
    relative = item.get("relative")
    return float("inf") if relative is None else float(relative)


def _difference(item: Mapping[str, Any], is_worst: bool) -> str:
    relative, psnr = item.get("relative"), item.get("psnr")
    largest = "not finite" if relative is None else f"{relative:.2g}"
    decibels = f"{psnr:.1f} dB" if psnr is not None else "equal" if item.get("largest") == 0 else "-"
    mark = "<div class=quiet>the worst</div>" if is_worst else ""
    return (
        f"<tr><th scope=row class=name>{escape(str(item.get('sample')))}<div class=quiet>"
        f"{escape(str(item.get('kind')))}</div></th><td>{escape(str(item.get('output')))}</td>"
        f"<td class=number>{largest}</td><td class=number>{decibels}</td>"
        f"<td>{escape(str(item.get('complaint'))) if item.get('complaint') else 'within the limits'}{mark}</td></tr>"
    )


def _compared(comparison: Mapping[str, Any] | None) -> str:
    if comparison is None:
        return ""
    found = comparison_from(comparison)
    measured = {name for each in found.candidates for output in each.outputs for name in output["measures"]}
    chosen = [name for name in _OVERVIEW if name in measured][:_MOST_MEASURES]
    sentences = [f"{each.name}: {finding(found.original, each)}" for each in found.candidates]
    return (
        f"<section><h2>Compared with the original</h2>{tables.overview(found, chosen)}{tables.notes(sentences)}"
        f'<p class="quiet">{escape(found.pictures)}. The pictures and all figures: {COMPARISON_PAGE}.</p></section>'
    )


def _recipe(recipe: Mapping[str, Any] | None) -> str:
    if recipe is None:
        return ""
    text = escape(json.dumps(recipe, indent=2, ensure_ascii=False))
    return f"<section><details><summary>The recipe that made these files</summary><pre>{text}</pre></details></section>"
