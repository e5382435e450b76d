"""Find the files of a `.mlpackage` and make sure that they lie inside it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from converters.errors import BadInputError, UnsafeInputError

_LARGEST_MANIFEST = 1_000_000
_LARGEST_SPECIFICATION = 1_900_000_000  # protobuf refuses 2 GiB


@dataclass(frozen=True)
class PackageFiles:
    """Where the parts of a package are.

    Attributes:
        root: the package.
        specification: the file that holds the program.
        weights: the folder of weight files; it need not exist.
    """

    root: Path
    specification: Path
    weights: Path


def open_package(root: Path) -> PackageFiles:
    """Return the files of the package at `root`, having checked that none lies outside it.

    Raises:
        UnsafeInputError: a path or link of the package leads out of it.
        BadInputError: `root` is no package, or a file that its manifest names is missing.
    """
    if not root.is_dir():
        raise BadInputError(f"{root.name} is no Core ML package.", "A package is a folder.", "Choose a .mlpackage.")
    _refuse_outside_links(root)
    manifest = _read_manifest(root)
    entries = manifest.get("itemInfoEntries")
    identifier = manifest.get("rootModelIdentifier")
    entry = entries.get(identifier) if isinstance(entries, dict) and isinstance(identifier, str) else None
    if not isinstance(entries, dict) or not isinstance(entry, dict):
        raise _broken(root, "its manifest does not say where the model is")
    paths = {key: _inside(root, item) for key, item in entries.items()}
    specification = paths[str(identifier)]
    if not specification.is_file():
        raise _broken(root, f"{specification.name} is missing")
    if specification.stat().st_size > _LARGEST_SPECIFICATION:
        raise _broken(root, f"{specification.name} is too large")
    return PackageFiles(root, specification, specification.parent / "weights")


def weight_file(files: PackageFiles, name: str) -> Path:
    """Return the weight file that the program calls `name` ('@model_path/weights/weight.bin').

    Raises:
        UnsafeInputError: the name leads out of the package.
        BadInputError: there is no such file.
    """
    parts = PurePosixPath(name).parts
    if not parts or parts[0] != "@model_path" or ".." in parts or "\\" in name or "\0" in name or len(name) > 1000:
        raise UnsafeInputError(
            f"{files.root.name} keeps weights at {name[:100]!r}, which is not inside the package.",
            "A package from a trustworthy tool never does.",
            "Do not use this file.",
        )
    path = files.specification.parent.joinpath(*parts[1:])
    _require_inside(files.root, path)
    if not _is_file(path):
        raise _broken(files.root, f"the weight file {name} is missing")
    return path


def _read_manifest(root: Path) -> dict[str, Any]:
    path = root / "Manifest.json"
    if not _is_file(path):
        raise _broken(root, "it has no Manifest.json")
    if path.stat().st_size > _LARGEST_MANIFEST:
        raise _broken(root, "its Manifest.json is too large")
    try:
        manifest = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise _broken(root, "its Manifest.json is not readable") from error
    if not isinstance(manifest, dict):
        raise _broken(root, "its Manifest.json is not an object")
    return manifest


def _inside(root: Path, item: object) -> Path:
    text = item.get("path") if isinstance(item, dict) else None
    if not isinstance(text, str) or not text or "\0" in text or len(text) > 1000:
        raise _broken(root, "its manifest names a part without a usable path")
    relative = PurePosixPath(text)
    if relative.is_absolute() or ".." in relative.parts or "\\" in text or ":" in text:
        raise UnsafeInputError(
            f"The manifest of {root.name} names {text[:100]!r}, which is not inside the package.",
            "A package from a trustworthy tool never does.",
            "Do not use this file.",
        )
    path = root.joinpath("Data", *relative.parts)
    _require_inside(root, path)
    return path


def _require_inside(root: Path, path: Path) -> None:
    try:
        resolved = path.resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise _broken(root, "a path inside it cannot be followed") from error
    if not resolved.is_relative_to(root.resolve()):
        raise UnsafeInputError(
            f"{path.name} of {root.name} is a link to something outside the package.", "", "Do not use this file."
        )


def _refuse_outside_links(root: Path) -> None:
    for path in root.rglob("*"):
        if path.is_symlink():
            _require_inside(root, path)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name the file system refuses
        return False


def _broken(root: Path, what: str) -> BadInputError:
    return BadInputError(f"{root.name} is a broken Core ML package: {what}.", "", "Export or download it again.")
