"""The worker's part of a package: look into the chosen files and write the texts beside them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from converters.compare.recipe_beside import recipe_beside
from converters.destination import destination_errors
from converters.fingerprints import sha256_of, size_of
from converters.model.families import family
from converters.package.describing import describe
from converters.package.feeding import Feeding
from converters.package.harmless import Harmless, harmless_recipe, last_name
from converters.package.licence import LICENCE_FILE, licence_note
from converters.package.names import CONTENTS_FILE, emap_beside, name_in_package
from converters.package.place import free_bytes, place_of
from converters.package.readme import README_FILE, ReadmeFile, readme
from converters.package.report_page import (
    COMPARISON_PAGE,
    REPORT_DATA,
    REPORT_PAGE,
    ReportedFile,
    report_page,
)
from converters.package.request import PackageRequest
from converters.package.source_input import MAY_LACK_EMAP, SourceInput, source_input
from converters.progress import Progress

CONTENTS_VERSION = 1
RECIPE_FILE = "recipe.json"


def write_texts(arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Write everything but the model files into a package's folder.

    Args:
        arguments: "request": a package request's plain data; "folder": where the copies of its files lie; "comparison":
            plain data, None for none.
        progress: told about stages.

    Returns:
        "files": "name", "size", "sha256", "kind" of everything in the folder; "notes": sentences.

    Raises:
        BadInputError: a file does not say how it is fed.
        DestinationError: the folder cannot be written to.
    """
    request = PackageRequest.from_json(arguments["request"])
    folder = Path(arguments["folder"])
    comparison: Mapping[str, Any] | None = arguments["comparison"]
    progress("Reading what the files say of themselves")
    harmless = Harmless(_known_paths(request))
    emap = _plain_emap(folder)
    feedings = [describe(folder / name_in_package(file), file.target) for file in request.files]
    source = source_input(feedings[0], emap)
    notes = [*_warnings(request, feedings, source)]
    progress("Writing the texts", 0.3)
    texts: dict[str, str] = {
        README_FILE: _readme(request, folder, feedings, source, notes, with_comparison=comparison is not None),
        LICENCE_FILE: licence_note(family(feedings[0].family), feedings[0].source_name, feedings[0].source_sha256),
    }
    recipe = harmless.data(harmless_recipe(request.recipe).to_json())
    if request.with_recipe:
        texts[RECIPE_FILE] = _json(recipe)
    if request.with_report:
        found = harmless.data(comparison) if comparison is not None else None
        reported = [_reported(file, feeding, harmless) for file, feeding in zip(request.files, feedings, strict=True)]
        model = harmless.data(dict(request.model))
        shown = recipe if request.with_recipe else None
        texts[REPORT_PAGE] = report_page(reported, family(feedings[0].family), model, found, shown)
        texts[REPORT_DATA] = _json(_report_data(reported, feedings[0], model, found))
    with destination_errors(folder):
        for name, text in texts.items():
            (folder / name).write_text(harmless.text(text), encoding="utf-8", newline="\n")
    progress("Taking sizes and hashes", 0.8)
    models = {name_in_package(file) for file in request.files}
    listed = [_listed(path, models) for path in sorted(folder.iterdir())]
    contents = {
        "version": CONTENTS_VERSION,
        "made_by": "FaceFusion Mobile Studio",
        "family": feedings[0].family,
        "files": listed,
        "feeding": [feeding.to_json() for feeding in feedings],
        "source_input": source.to_json() if source else None,
        "notes": notes,
    }
    with destination_errors(folder):
        text = harmless.text(_json(contents))
        (folder / CONTENTS_FILE).write_text(text, encoding="utf-8", newline="\n")
    return {"files": [*listed, _listed(folder / CONTENTS_FILE, models)], "notes": notes}


def preview(arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Return the texts that a package would have and what is at its place, without writing anything.

    Args:
        arguments: "request": a package request's plain data; it may name no files.
        progress: told about stages.

    Returns:
        "readme": the text, "" without files; "place": a `Place`; "free": bytes on its disk.
    """
    request = PackageRequest.from_json(arguments["request"])
    progress("Reading what the files say of themselves")
    place = {"place": place_of(request.destination).value, "free": free_bytes(request.destination)}
    if not request.files:
        return {"readme": "", **place}
    feedings = [replace(describe(file.path, file.target), file=name_in_package(file)) for file in request.files]
    emap = emap_beside([file.path for file in request.files], (request.recipe.source, feedings[0].source_name))
    source = source_input(feedings[0], emap)
    sizes = {name_in_package(file): size_of(file.path) for file in request.files}
    notes = _warnings(request, feedings, source)
    text = _readme_text(request, feedings, source, notes, sizes, with_comparison=request.pictures > 0)
    return {"readme": Harmless(_known_paths(request)).text(text), **place}


def _known_paths(request: PackageRequest) -> list[str]:
    places = [str(step.options.get("calibration", "")) for step in request.recipe.steps]
    return [
        str(request.destination),
        request.recipe.source,
        request.recipe.verification.images,
        request.images,
        *(str(file.path) for file in request.files),
        *(line for place in places for line in place.split("\n")),
    ]


def _plain_emap(folder: Path) -> Path | None:
    """Return the matrix in the package, written anew as float32 row by row, as the README says; None for none."""
    found = next((path for path in sorted(folder.glob("*-emap.npy"))), None)
    if found is None:
        return None
    import numpy as np

    from converters.face.emap import read_emap

    matrix = np.ascontiguousarray(read_emap(found), "<f4")
    with destination_errors(found):
        found.unlink()
        np.save(found, matrix, allow_pickle=False)
    return found


def _warnings(request: PackageRequest, feedings: list[Feeding], source: SourceInput | None) -> list[str]:
    notes = [
        f"{name_in_package(file)} did not pass its verification. Do not ship it."
        for file in request.files
        if not file.verified
    ]
    origins = {feeding.source_sha256 for feeding in feedings}
    if len(origins) > 1:
        notes.append("The files were made from different originals.")
    if source is not None and source.rule == "emap" and source.emap is None and feedings[0].family != MAY_LACK_EMAP:
        notes.append("The matrix emap, which the app needs, was not found beside the files and is not in this package.")
    return notes


def _readme(
    request: PackageRequest,
    folder: Path,
    feedings: list[Feeding],
    source: SourceInput | None,
    notes: list[str],
    *,
    with_comparison: bool,
) -> str:
    sizes = {feeding.file: size_of(folder / feeding.file) for feeding in feedings}
    return _readme_text(request, feedings, source, notes, sizes, with_comparison=with_comparison)


def _readme_text(
    request: PackageRequest,
    feedings: list[Feeding],
    source: SourceInput | None,
    notes: list[str],
    sizes: Mapping[str, int],
    *,
    with_comparison: bool,
) -> str:
    files = [
        ReadmeFile(feeding, sizes[feeding.file], file.verified, file.outdated)
        for file, feeding in zip(request.files, feedings, strict=True)
    ]
    others = {
        **({source.emap.file: "the matrix that the face embedding is multiplied by"} if source and source.emap else {}),
        CONTENTS_FILE: "this page for programs, with size and SHA-256 of every file",
        **({REPORT_PAGE: f"what is known of the files; {REPORT_DATA} has all figures"} if request.with_report else {}),
        **({COMPARISON_PAGE: "original and files side by side"} if with_comparison else {}),
        **({RECIPE_FILE: _again(request)} if request.with_recipe else {}),
        LICENCE_FILE: "whose the model is, and the consent of people in pictures",
    }
    return readme(files, source, notes, others)


def _again(request: PackageRequest) -> str:
    name = last_name(request.recipe.source) or "MODEL"
    return f"what was done; to do it again: `python main.py convert {name} --recipe {RECIPE_FILE} --out FOLDER`"


def _reported(file: Any, feeding: Feeding, harmless: Harmless) -> ReportedFile:
    made_by = recipe_beside(file.path, file.sha256) or {}
    return ReportedFile(
        feeding=feeding,
        size=size_of(file.path),
        sha256=file.sha256,
        verified=file.verified,
        outdated=file.outdated,
        report=harmless.data(dict(file.report)),
        made_by=harmless.data(made_by),
    )


def _report_data(
    files: list[ReportedFile], first: Feeding, model: Mapping[str, Any], comparison: Mapping[str, Any] | None
) -> dict[str, Any]:
    known = family(first.family)
    return {
        "version": CONTENTS_VERSION,
        "source": {"name": first.source_name, "sha256": first.source_sha256},
        "family": first.family,
        "licence": known.licence if known else "",
        "commercial": known.commercial if known else None,
        "model": model,
        "files": [
            {
                **file.report,
                "file": file.feeding.file,
                "size": file.size,
                "sha256": file.sha256,
                "verified": file.verified,
                "outdated": file.outdated,
                "steps": file.made_by.get("steps") or [],
            }
            for file in files
        ],
        "comparison": comparison,
    }


def _listed(path: Path, models: set[str]) -> dict[str, Any]:
    kind = "model" if path.name in models else "text" if path.suffix != ".npy" else "matrix"
    return {"name": path.name, "size": size_of(path), "sha256": sha256_of(path), "kind": kind}


def _json(data: Any) -> str:
    return json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
