"""README.md: how to feed the files of a package."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from converters.destination import readable_size
from converters.model.families import Family, family
from converters.package.code_kotlin import kotlin
from converters.package.code_mnn import cpp, jni
from converters.package.code_swift import swift
from converters.package.code_words import number
from converters.package.feeding import Fed, Feeding
from converters.package.licence import LICENCE_FILE, commercial_use
from converters.package.source_input import SourceInput, landmarks_in

README_FILE = "README.md"
_TITLES = {"coreml": "Core ML", "tflite": "LiteRT (TFLite)", "mnn": "MNN", "onnx": "ONNX"}
_POINTS = ("left eye", "right eye", "nose", "left mouth corner", "right mouth corner")


@dataclass(frozen=True)
class ReadmeFile:
    """One model file of the package.

    Attributes:
        feeding: how it is fed.
        size: bytes.
        verified: whether it passed.
        outdated: whether the recipe has changed since.
    """

    feeding: Feeding
    size: int
    verified: bool
    outdated: bool = False


def readme(
    files: Sequence[ReadmeFile],
    source: SourceInput | None,
    warnings: Sequence[str],
    others: Mapping[str, str],
) -> str:
    """Return the text.

    Args:
        files: at least one.
        source: how a swapper's source is made, None for other models.
        warnings: sentences that come first.
        others: what the other files of the package are, by their names.
    """
    first = files[0].feeding
    known = family(first.family)
    title = known.title if known else first.source_name
    parts = [
        f"# {title} for phones",
        "",
        *(f"> **{warning}**\n" for warning in warnings),
        _what_it_is(first, known),
        "## Files",
        "",
        _files(files),
        "",
        *(f"- `{name}`: {words}" for name, words in others.items()),
        "",
        *_edges(files),
        *_crop(first, known),
        *_source(source, first),
        *_code(files, source),
        *_result(first, known),
        *_good_to_know(known),
        "## Licence and consent",
        "",
        f"{commercial_use(known)} See `{LICENCE_FILE}`. Use it only on pictures of people who agreed to it, and say of "
        "every picture it made that it is synthetic.",
        "",
    ]
    return "\n".join(parts)


def _what_it_is(first: Feeding, known: Family | None) -> str:
    kind = f"a {known.kind} by {known.vendor or 'an unknown vendor'}" if known else "a model of no known family"
    return (
        f"Converted by FaceFusion Mobile Studio from `{first.source_name}` (SHA-256 `{first.source_sha256}`), {kind}. "
        "All that follows is also in `contents.json`, for programs.\n"
    )


def _files(files: Sequence[ReadmeFile]) -> str:
    rows = ["| file | format | precision | size | verified |", "|---|---|---|---:|---|"]
    for file in files:
        verdict = "yes" if file.verified else "**NO: it did not pass its verification**"
        verdict += "; the settings have changed since it was made" if file.outdated else ""
        feeding = file.feeding
        rows.append(
            f"| `{feeding.file}` | {_TITLES[feeding.target]} | {feeding.precision} | {readable_size(file.size)} "
            f"| {verdict} |"
        )
    return "\n".join(rows)


def _edges(files: Sequence[ReadmeFile]) -> list[str]:
    lines = ["## What goes in, what comes out", ""]
    for group in _alike([file.feeding for file in files], with_target=False):
        feeding = group[0]
        lines.append(f"{', '.join(f'`{each.file}`' for each in group)}:")
        lines += [
            "",
            "| | name | shape | layout | type | what it is | value of a pixel p (0..255) |",
            "|---|---|---|---|---|---|---|",
        ]
        lines += [_row("in", fed) for fed in feeding.inputs]
        lines += [_row("out", fed) for fed in feeding.outputs]
        lines.append("")
        for fed in (*feeding.inputs, *feeding.outputs):
            if fed.codes:
                lines.append(
                    f"`{fed.name}` is kept as codes: value = (code - {fed.codes['zero_point']}) * "
                    f"{fed.codes['scale']:.9g}."
                )
                lines.append("")
    if any(fed.mean for file in files for fed in file.feeding.inputs):
        lines += ["mean and std are of p / 255, one number for each channel in the order that the table names.", ""]
    return lines


def _row(side: str, fed: Fed) -> str:
    shape = " x ".join(map(str, fed.shape))
    kind = "picture (CVPixelBuffer)" if fed.as_image else fed.dtype
    what = f"{fed.role}, {fed.colour}" if fed.colour else fed.role
    return f"| {side} | `{fed.name}` | {shape} | {fed.layout or '-'} | {kind} | {what} | {_of_pixel(fed)} |"


def _of_pixel(fed: Fed) -> str:
    if fed.as_image:
        return "Core ML does it: give 8-bit pixels"
    if not fed.is_picture:
        low_high = fed.value_range
        return f"values {number(low_high[0])} .. {number(low_high[1])}" if low_high else "-"
    if fed.mean and fed.std:
        mean, std = (" ".join(f"{value:.6g}" for value in _short(values)) for values in (fed.mean, fed.std))
        return f"(p / 255 - mean) / std, mean {mean}, std {std}"
    scale, bias = (" ".join(f"{value:.6g}" for value in _short(values)) for values in (fed.scale, fed.bias))
    return f"p * {scale} + {bias}"


def _short(values: Sequence[float]) -> Sequence[float]:
    return values[:1] if len(set(values)) == 1 else values


def _alike(feedings: Sequence[Feeding], *, with_target: bool) -> list[list[Feeding]]:
    """Return files in groups that are fed alike, so that nothing is said twice."""
    groups: dict[Any, list[Feeding]] = {}
    for feeding in feedings:
        key = replace(feeding, file="", precision="", engine="", target=feeding.target if with_target else "")
        groups.setdefault(repr(key), []).append(feeding)
    return list(groups.values())


def _crop(first: Feeding, known: Family | None) -> list[str]:
    pictures = [fed for fed in first.inputs if fed.is_picture]
    if known is None or not known.template or not pictures:
        return []
    target = next((fed for fed in pictures if fed.graph_name == "target"), pictures[0])
    return [
        "## Where the crop comes from",
        "",
        f"`{target.name}` is a face cut out upright, over the template {known.template}: a similarity (turn, "
        "one scale, "
        "shift) takes five points of the face in the photograph to these places of the crop, as near as it can:",
        "",
        *_points(known.template, target.width, target.height),
        "Left is left in the picture. With the points p of the face and q of the table, both minus their means, "
        "a = sum(px qx + py qy) / sum(px² + py²) and b = sum(px qy - py qx) / sum(px² + py²), the matrix is "
        "[[a, -b], [b, a]], and the shift takes the mean of the points to the mean of the table. Sample "
        "bilinearly; beyond "
        "the photograph repeat its edge; where the face shrinks to half or less, shrink the photograph first "
        "by averaging.",
        "",
    ]


def _points(template: str, width: int, height: int) -> list[str]:
    points = landmarks_in(template, width, height)
    return [
        f"| {' | '.join(_POINTS)} |",
        f"|{'---|' * len(_POINTS)}",
        f"| {' | '.join(f'{x:.2f}, {y:.2f}' for x, y in points)} |",
        "",
    ]


def _source(source: SourceInput | None, first: Feeding) -> list[str]:
    if source is None:
        return []
    lines = ["## Whose face appears", ""]
    if source.rule == "picture":
        lines += [
            f"`{source.input}` is a picture of that face, cut out over the template {source.template} as above:",
            "",
            *_points(source.template, source.side, source.side),
        ]
        return lines
    lines += [
        f"`{source.input}` is made from that face's embedding, {source.width} numbers, by "
        f"{source.recogniser}. It reads a crop of "
        f"{source.side} x {source.side} pixels over the template {source.template}, RGB, p / 127.5 - 1:",
        "",
        *_points(source.template, source.side, source.side),
        f"1. Take the recogniser's output as it is (raw).{_converter(source)}",
    ]
    if source.rule in ("emap", "unit"):
        lines.append("2. Divide it by its length (root of the sum of squares).")
    if source.emap is not None:
        emap = source.emap
        lines.append(
            f"3. Multiply the row vector by the matrix in `{emap.file}` ({emap.rows} x {emap.columns}, float32, little "
            f"endian, row by row, from byte {emap.offset} of the file): source[j] = sum over i of e[i] * emap[i][j]. "
            "Leave the length as it comes out."
        )
    elif source.rule == "emap":
        lines.append(
            "3. Multiply it by the swapper's matrix emap. **It is not in this package**: it is the last "
            "initializer of the "
            f"original, `{first.source_name}`."
        )
    elif source.rule == "raw":
        lines.append("2. Do not normalise it: this model wants the length as it is.")
    return [*lines, "", "It is the same for every frame: make it once per person.", ""]


def _converter(source: SourceInput) -> str:
    if not source.converter:
        return ""
    return f" Run it through the network {source.converter}, which is **not in this package**."


def _code(files: Sequence[ReadmeFile], source: SourceInput | None) -> list[str]:
    lines: list[str] = []
    feedings = [file.feeding for file in files]
    for group in _alike([each for each in feedings if each.target == "coreml"], with_target=True):
        lines += [f"## iOS: {_names(group)}", "", "```swift", swift(group[0], source).rstrip(), "```", ""]
        lines += ["Pixels come from a `CGContext` with 8 bits per component and `noneSkipLast`.", ""]
    for group in _alike([each for each in feedings if each.target == "tflite"], with_target=True):
        lines += [f"## Android: {_names(group)}", ""]
        lines += ['Gradle: `implementation("com.google.ai.edge.litert:litert:1.4.0")` or any later 1.x.', ""]
        lines += ["```kotlin", kotlin(group[0], source).rstrip(), "```", ""]
    for group in _alike([each for each in feedings if each.target == "mnn"], with_target=True):
        bridge, caller = jni(group[0])
        lines += [f"## Android and iOS with MNN: {_names(group)}", ""]
        lines += ["```cpp", cpp(group[0], source).rstrip(), "```", ""]
        lines += ["From Kotlin, through JNI:", "", "```cpp", bridge.rstrip(), "```", ""]
        lines += ["```kotlin", caller.rstrip(), "```", ""]
    if any(each.target == "onnx" for each in feedings):
        lines += ["## ONNX", "", "For ONNX Runtime, with the names and layout of the table.", ""]
    return lines


def _names(group: Sequence[Feeding]) -> str:
    return ", ".join(f"`{feeding.file}`" for feeding in group)


_RESULTS = {
    "embedding": "an embedding, not normalised: compare two by their cosine",
    "mask": "how much of each pixel belongs to what it marks; clip it to 0..1 before use",
    "scores": "raw scores, to be decoded as the model's authors do",
    "boxes": "raw boxes, to be decoded as the model's authors do",
    "landmarks": "points in the crop's own scale; take them back to the photograph with the inverse matrix",
    "classes": "one value for each class; the largest wins",
}


def _result(first: Feeding, known: Family | None) -> list[str]:
    lines = ["## What to do with the output", ""]
    is_aligned = known is not None and bool(known.template)
    for fed in first.outputs:
        if fed.is_picture:
            inverse = " p = (value * std + mean) * 255, clipped to 0..255." if fed.mean else ""
            back = (
                " It is the whole crop drawn anew: put it back into the photograph with the inverse of the "
                "crop's matrix, under "
                "a mask that fades out towards the crop's edge."
                if is_aligned
                else ""
            )
            lines.append(f"- `{fed.name}` is a picture.{inverse}{back}")
        else:
            lines.append(f"- `{fed.name}`: {_RESULTS.get(fed.role, 'values as the original gives them')}.")
    return [*lines, ""]


def _good_to_know(known: Family | None) -> list[str]:
    if known is None or not known.hazards:
        return []
    return ["## Good to know of this model", "", *(f"- {hazard}" for hazard in known.hazards), ""]
