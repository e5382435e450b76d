"""An Inspection for a terminal: at most 96 columns, no colours."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

from converters.model.checks.finding import MOBILE, ONNX, Finding
from converters.model.families import Family
from converters.model.inspection import Inspection
from converters.model.signature import TensorInfo

WIDTH = 96
_HEAVIEST = 10
_NAMES_SHOWN = 3
_OPERATORS_SHOWN = 12


def as_text(inspection: Inspection) -> str:
    """Return the summary that `inspect` prints."""
    sections = [
        _heading(inspection),
        _tensors(inspection),
        _cost(inspection),
        _layers(inspection),
        _findings(inspection.findings),
        _notes(inspection),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _heading(inspection: Inspection) -> str:
    source, known = inspection.source, inspection.family
    lines = [f"{source.name}  ({source.kind}, {_bytes(source.size)})"]
    if known is None:
        lines.append(_field("Family", "unknown; roles are guessed from shapes, colour order and value range are not"))
        return "\n".join(lines)
    lines.append(_field("Family", f"{known.id}: {known.title} ({known.kind})"))
    if known.alternatives:
        lines.append(_field("", f"built alike, not told apart: {', '.join(known.alternatives)}"))
    lines.append(_field("Licence", f"{known.licence or 'none stated'}; {_commercial(known)}"))
    if known.template or known.size:
        size = f"{known.size[1]}x{known.size[0]}" if known.size else ""
        lines.append(_field("Crop", " ".join(part for part in (size, known.template) if part)))
    if known.embedding:
        lines.append(_field("Embedding", known.embedding))
    return "\n".join(lines)


def _commercial(known: Family) -> str:
    return {True: "commercial use allowed", False: "no commercial use", None: "commercial use not established"}[
        known.commercial
    ]


def _tensors(inspection: Inspection) -> str:
    rows: list[tuple[str, ...]] = [("", "name", "shape", "type", "role", "layout", "colour", "range")]
    for kind, tensors in (("in", inspection.signature.inputs), ("out", inspection.signature.outputs)):
        rows += [(kind, *_tensor(tensor)) for tensor in tensors]
    return _table(rows)


def _tensor(tensor: TensorInfo) -> tuple[str, ...]:
    limits = "" if tensor.value_range is None else f"{tensor.value_range[0]:g}..{tensor.value_range[1]:g}"
    return (
        _shortened(tensor.name, 24),
        "x".join(str(size) for size in tensor.shape) or "scalar",
        tensor.dtype,
        str(tensor.role),
        tensor.layout,
        str(tensor.colour or ""),
        limits,
    )


def _cost(inspection: Inspection) -> str:
    cost = inspection.cost
    operators = [f"{name} {count}" for name, count in cost.operators.items()]
    more = f", and {len(operators) - _OPERATORS_SHOWN} kinds more" if len(operators) > _OPERATORS_SHOWN else ""
    unused = ", ".join(f"{name} {count:,}" for name, count in list(cost.unused_parameters.items())[:_NAMES_SHOWN])
    lines = [
        _field(
            "Parameters", f"{cost.parameters:,} ({_bytes(cost.bytes)} stored){f'; unused: {unused}' if unused else ''}"
        ),
        _field("Work", f"{cost.gmacs:,.3f} GMAC a run"),
        _field(
            "Activations",
            f"{_bytes(cost.peak_activation_bytes)} at the peak, {_bytes(cost.total_activation_bytes)} in all",
        ),
        _field("Operators", f"{', '.join(operators[:_OPERATORS_SHOWN])}{more} (opset {cost.opset})"),
    ]
    if cost.uncounted:
        lines.append(_field("Uncounted", f"{len(cost.uncounted)} nodes of unknown size"))
    return "\n".join(lines)


def _layers(inspection: Inspection) -> str:
    heaviest = inspection.cost.heaviest(_HEAVIEST)
    if not heaviest:
        return ""
    rows = [("heaviest layers", "operator", "output", "parameters", "MMAC", "share")]
    for layer in heaviest:
        rows.append(
            (
                _shortened(layer.name, 34),
                layer.operator,
                "x".join(map(str, layer.output_shape)),
                f"{layer.parameters:,}",
                f"{layer.macs / 1e6:,.1f}",
                f"{layer.macs / inspection.cost.macs:.1%}",
            )
        )
    return _table(rows, right=(3, 4, 5))


def _findings(findings: Sequence[Finding]) -> str:
    if not findings:
        return "The doctor found nothing."
    blocks = []
    shown: set[int] = set()
    everywhere = [finding for finding in findings if set(MOBILE) <= set(finding.targets)]
    groups: list[tuple[str, list[Finding]]] = [("every mobile target", everywhere)]
    shown |= {id(finding) for finding in everywhere}
    rest = [finding for finding in findings if id(finding) not in shown]
    order = (*MOBILE, ONNX)
    names = [*order, *sorted({target for finding in rest for target in finding.targets} - set(order))]
    groups += [(name, [finding for finding in rest if name in finding.targets]) for name in names]
    said: dict[int, str] = {}
    for name, members in groups:
        if not members:
            continue
        lines = [f"For {name}:"]
        for finding in members:
            if id(finding) in said:
                lines.append(f"  {finding.severity:<8}{finding.id}: as for {said[id(finding)]}")
                continue
            said[id(finding)] = name
            lines += _finding(finding)
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def _finding(finding: Finding) -> list[str]:
    nodes = ", ".join(_shortened(name, 28) for name in finding.nodes[:_NAMES_SHOWN])
    more = f" and {len(finding.nodes) - _NAMES_SHOWN} more" if len(finding.nodes) > _NAMES_SHOWN else ""
    lines = _wrapped(finding.sentence, f"  {finding.severity:<8}", " " * 10)
    if nodes:
        lines += _wrapped(f"at {nodes}{more}", " " * 10, " " * 10)
    if finding.rewrite:
        lines.append(f"{' ' * 10}mended by the rewrite {finding.rewrite}")
    return lines


def _notes(inspection: Inspection) -> str:
    hazards = inspection.family.hazards if inspection.family is not None else ()
    lines = [line for note in inspection.notes for line in _wrapped(note, "  - ", "    ")]
    text = "\n".join(["While loading:", *lines]) if lines else ""
    known = [line for hazard in hazards for line in _wrapped(hazard, "  - ", "    ")]
    return "\n\n".join(part for part in (text, "\n".join(["Known of this model:", *known]) if known else "") if part)


def _field(name: str, value: str) -> str:
    return "\n".join(_wrapped(value, f"{name:<12}", " " * 12))


def _wrapped(text: str, first: str, rest: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=first, subsequent_indent=rest) or [first.rstrip()]


def _shortened(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


def _table(rows: Sequence[Sequence[str]], right: Iterable[int] = ()) -> str:
    """Return aligned columns; empty columns are left out, lines are cut at the width."""
    kept = [place for place in range(len(rows[0])) if any(row[place] for row in rows[1:])]
    widths = {place: max(len(row[place]) for row in rows) for place in kept}
    aligned = set(right)
    lines = []
    for row in rows:
        cells = [
            row[place].rjust(widths[place]) if place in aligned else row[place].ljust(widths[place]) for place in kept
        ]
        lines.append("  ".join(cells).rstrip()[:WIDTH])
    return "\n".join(lines)


def _bytes(size: int) -> str:
    value = float(size)
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.2f} GB"
