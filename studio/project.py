"""A project as plain data: a Recipe, the files made with it, and where the person was."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from converters.errors import StudioError, UsageError
from converters.recipe import Recipe
from studio.plain_data import mapping, typed
from studio.project_paths import absolute, absolute_recipe, relative, relative_recipe

_KEYS = ("identity", "recipe", "files", "comparison_images", "page")
_FILE_KEYS = ("path", "target", "precision", "size", "sha256", "verified", "key", "report")
_MOST_FILES = 10_000


@dataclass(frozen=True)
class MadeFile:
    """One exported file or package that a project knows of.

    Attributes:
        path: absolute.
        target, precision: as in the recipe's request.
        size: bytes, of all files of a package.
        sha256: as `converters.fingerprints.sha256_of` gives it.
        verified: whether it passed its verification.
        key: stands for everything that went into making it; equal keys, equal files.
        report: `converters.conversion.Artifact.to_json()`.
    """

    path: Path
    target: str
    precision: str
    size: int
    sha256: str
    verified: bool
    key: str
    report: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.name

    def to_json(self, folder: Path | None) -> dict[str, Any]:
        """Return plain data; the path is relative where it lies below `folder`."""
        return {
            "path": relative(str(self.path), folder),
            "target": self.target,
            "precision": self.precision,
            "size": self.size,
            "sha256": self.sha256,
            "verified": self.verified,
            "key": self.key,
            "report": dict(self.report),
        }

    @classmethod
    def from_json(cls, data: object, folder: Path | None, where: str) -> MadeFile:
        """Read plain data.

        Raises:
            UsageError: something lacks, is unknown or of a wrong type.
        """
        item = mapping(data, where, _FILE_KEYS, ("path", "target", "precision", "sha256"))
        path = typed(item["path"], str, f"{where}.path")
        if not path:
            raise UsageError(f"{where}.path is empty.")
        return cls(
            path=Path(absolute(path, folder)),
            target=typed(item["target"], str, f"{where}.target"),
            precision=typed(item["precision"], str, f"{where}.precision"),
            size=typed(item.get("size", 0), int, f"{where}.size"),
            sha256=typed(item["sha256"], str, f"{where}.sha256"),
            verified=typed(item.get("verified", False), bool, f"{where}.verified"),
            key=typed(item.get("key", ""), str, f"{where}.key"),
            report=mapping(item.get("report", {}), f"{where}.report"),
        )


@dataclass(frozen=True)
class Project:
    """What is saved.

    Attributes:
        identity: 32 hexadecimal digits, of this project alone.
        recipe: what to do; its source is "" for none, its paths are absolute.
        files: made with the recipe so far.
        comparison_images: folder of pictures for comparing, "" for the built-in ones.
        page: where the person was.
    """

    identity: str
    recipe: Recipe
    files: tuple[MadeFile, ...] = ()
    comparison_images: str = ""
    page: str = "model"

    def is_left_for(self, source: str, sha256: str) -> bool:
        """Say whether a model is another one than this project's, so that it needs a project of its own."""
        return self.recipe.source not in ("", source) and sha256 != self.recipe.source_sha256

    @classmethod
    def fresh(cls) -> Project:
        """Return a project with nothing in it."""
        return cls(uuid.uuid4().hex, Recipe(source=""))

    def to_json(self, folder: Path | None) -> dict[str, Any]:
        """Return plain data that `from_json` reads.

        Args:
            folder: where the project's file is; what lies below it is written relative to it ("./models/a.onnx"), so
                that the folder can move with everything in it. None: all paths are absolute.
        """
        return {
            "identity": self.identity,
            "recipe": relative_recipe(self.recipe, folder).to_json(),
            "files": [file.to_json(folder) for file in self.files],
            "comparison_images": relative(self.comparison_images, folder),
            "page": self.page,
        }

    @classmethod
    def from_json(cls, data: object, folder: Path | None) -> Project:
        """Read plain data of the newest version.

        Raises:
            UsageError: something lacks, is unknown or of a wrong type.
        """
        top = mapping(data, "The project", _KEYS, ("identity", "recipe"))
        identity = typed(top["identity"], str, "identity")
        if len(identity) != 32 or any(sign not in "0123456789abcdef" for sign in identity):
            raise UsageError(f"identity must be 32 hexadecimal digits, not {identity[:40]!r}.")
        files = typed(top.get("files", []), list, "files")
        if len(files) > _MOST_FILES:
            raise UsageError(f"files has {len(files)} entries; {_MOST_FILES} are the most.")
        try:
            recipe = Recipe.from_json(top["recipe"])
        except StudioError as error:
            raise UsageError(f"In its recipe: {error.what}", error.why, error.remedy) from error
        return cls(
            identity=identity,
            recipe=absolute_recipe(recipe, folder),
            files=tuple(MadeFile.from_json(item, folder, f"files[{place}]") for place, item in enumerate(files)),
            comparison_images=absolute(typed(top.get("comparison_images", ""), str, "comparison_images"), folder),
            page=typed(top.get("page", "model"), str, "page"),
        )
