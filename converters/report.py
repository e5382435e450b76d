"""A conversion in words, for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from converters.destination import readable_size
from converters.registry import EXPORTERS, STEPS, exporter, step

if TYPE_CHECKING:
    from converters.conversion import Artifact, Conversion


def as_text(conversion: Conversion) -> str:
    """Return a table of what was made, how near it is to the original, and every sentence that matters."""
    source = conversion.prepared["source"]
    family = conversion.prepared["family"] or "no known family"
    width = max(len(_label(artifact)) for artifact in conversion.artifacts)
    lines = [
        f"{source['name']}: {family}, {readable_size(conversion.prepared['parameters'])} of weights, "
        f"sha256 {source['sha256'][:12]}…",
        "",
        f"{'file':<{width}} {'size':>9}  {'verified':<9} {'largest':>9} {'PSNR':>9}  worst sample",
    ]
    lines += [_row(artifact, width) for artifact in conversion.artifacts]
    sentences = [*conversion.prepared["notes"]]
    for artifact in conversion.artifacts:
        sentences += [f"{artifact.request.name}: {note}" for note in artifact.notes]
        sentences += [f"{artifact.request.name}: {note}" for note in (artifact.verification or {}).get("notes", [])]
        sentences += _complaints(artifact)
    sentences += [f"fp16: {problem}" for problem in (conversion.fp16_risk or {}).get("problems", [])]
    if conversion.prepared["host_matrix"]:
        sentences.append(
            "The matrix emap, which the app multiplies the face embedding by, is in a file ending in -emap.npy: "
            "mobile formats do not carry it."
        )
    lines += ["", *sentences] if sentences else []
    lines += [
        "",
        f"{len(conversion.samples)} samples, {conversion.seconds:.1f} s, "
        f"{readable_size(conversion.peak_memory)} of memory at the peak.",
    ]
    return "\n".join(lines)


def _label(artifact: Artifact) -> str:
    return artifact.path.name if artifact.path else artifact.request.name


def _row(artifact: Artifact, width: int) -> str:
    label = f"{_label(artifact):<{width}}"
    if artifact.path is None:
        return f"{label} {'':>9}  failed"
    verdict = "yes" if artifact.verified else "NO"
    row = f"{label} {readable_size(artifact.size):>9}  {verdict:<9}"
    worst = (artifact.verification or {}).get("worst")
    if not worst:
        return row
    largest = "-" if worst["relative"] is None else f"{worst['relative']:.1e}"
    psnr = f"{worst['psnr']:.1f} dB" if worst["psnr"] is not None else "equal" if worst["largest"] == 0 else "-"
    return f"{row} {largest:>9} {psnr:>9}  {worst['sample']}"


def _complaints(artifact: Artifact) -> list[str]:
    name = artifact.request.name
    if artifact.error:
        return [f"{name}: {artifact.error}"]
    if artifact.verified or artifact.verification is None:
        return []
    worst = artifact.verification["worst"]
    sentences = [f"{name}: on {worst['sample']} the output {worst['output']} {worst['complaint']}."]
    if artifact.first_difference:
        sentences.append(f"{name}: {artifact.first_difference['sentence']}")
    return sentences


def options_text() -> str:
    """Return the options of every target and step, from the same descriptions that check them."""
    owners = {
        **{name: exporter(name).parameters for name in EXPORTERS},
        **{name: step(name).parameters for name in STEPS},
    }
    lines = []
    for owner, parameters in owners.items():
        for parameter in parameters:
            choices = f" (of {', '.join(map(str, parameter.choices))})" if parameter.choices else ""
            lines.append(f"{owner}.{parameter.name}={parameter.default}{choices}")
            lines.append(f"    {parameter.help}")
    return "\n".join(lines)
