"""What is to be packaged, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from converters.recipe import Recipe

DEFAULT_PICTURES = 8


@dataclass(frozen=True)
class PackagedFile:
    """One made file that was chosen.

    Attributes:
        path: the file or package on this machine.
        target, precision: as in the recipe that made it.
        sha256: of the file when it was verified; a file that has another one now is refused.
        verified: whether it passed its verification.
        outdated: whether the recipe has changed since it was made.
        report: plain data of its `converters.conversion.Artifact`.
    """

    path: Path
    target: str
    precision: str
    sha256: str
    verified: bool
    outdated: bool = False
    report: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return plain data that `from_json` reads."""
        return {
            "path": str(self.path),
            "target": self.target,
            "precision": self.precision,
            "sha256": self.sha256,
            "verified": self.verified,
            "outdated": self.outdated,
            "report": dict(self.report),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> PackagedFile:
        """Rebuild from plain data."""
        return cls(
            path=Path(data["path"]),
            target=data["target"],
            precision=data["precision"],
            sha256=data["sha256"],
            verified=bool(data["verified"]),
            outdated=bool(data.get("outdated", False)),
            report=dict(data.get("report", {})),
        )


@dataclass(frozen=True)
class PackageRequest:
    """What is to be packaged, where, and with what beside it.

    Attributes:
        destination: the folder that is made.
        files: at least one.
        recipe: of the project; its source is the original of the comparison.
        model: plain data of the original's inspection ("source", "signature", "family", "cost"), {} for unknown.
        with_report: write report.html and report.json.
        with_recipe: write recipe.json.
        pictures: compare the files with the original on at most so many pictures; 0 for no comparison.
        images: folder of pictures to compare on, "" for the built-in ones.
        trust: whether the original may run code; only for the comparison.
        allow_unverified: take files that did not pass their verification.
        force: replace an earlier export in the same place. Anything else there is never replaced.
    """

    destination: Path
    files: tuple[PackagedFile, ...]
    recipe: Recipe
    model: Mapping[str, Any] = field(default_factory=dict)
    with_report: bool = True
    with_recipe: bool = True
    pictures: int = 0
    images: str = ""
    trust: bool = False
    allow_unverified: bool = False
    force: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return plain data that `from_json` reads."""
        return {
            "destination": str(self.destination),
            "files": [file.to_json() for file in self.files],
            "recipe": self.recipe.to_json(),
            "model": dict(self.model),
            "with_report": self.with_report,
            "with_recipe": self.with_recipe,
            "pictures": self.pictures,
            "images": self.images,
            "trust": self.trust,
            "allow_unverified": self.allow_unverified,
            "force": self.force,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> PackageRequest:
        """Rebuild from plain data.

        Raises:
            UsageError: the recipe is none.
        """
        return cls(
            destination=Path(data["destination"]),
            files=tuple(PackagedFile.from_json(file) for file in data["files"]),
            recipe=Recipe.from_json(data["recipe"]),
            model=dict(data.get("model") or {}),
            with_report=bool(data.get("with_report", True)),
            with_recipe=bool(data.get("with_recipe", True)),
            pictures=int(data.get("pictures", 0)),
            images=str(data.get("images", "")),
            trust=bool(data.get("trust", False)),
            allow_unverified=bool(data.get("allow_unverified", False)),
            force=bool(data.get("force", False)),
        )
