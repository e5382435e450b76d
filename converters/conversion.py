"""What comes of a recipe: artifacts with their verdicts, and the report as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from converters.errors import StudioError, VerificationError
from converters.recipe import Recipe, TargetRequest

REPORT_VERSION = 1


@dataclass(frozen=True)
class Artifact:
    """One exported file or package, or why there is none.

    Attributes:
        request: what was asked for.
        path: where it is; None when there is none.
        size, sha256: of the file, or of the package's files in order.
        engine: what made it.
        verification: plain data of a `Verification`, None when it came not so far.
        first_difference: plain data, only when the verification failed.
        error: why there is no file, None when there is one.
        notes: sentences from the exporter.
        seconds: what the export took, without verification.
    """

    request: TargetRequest
    path: Path | None = None
    size: int = 0
    sha256: str = ""
    engine: str = ""
    verification: dict[str, Any] | None = None
    first_difference: dict[str, Any] | None = None
    error: StudioError | None = None
    notes: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def verified(self) -> bool:
        """Whether the file exists and passed its verification."""
        return self.path is not None and self.verification is not None and bool(self.verification["passed"])

    def to_json(self) -> dict[str, Any]:
        """Return plain data for the report."""
        return {
            "target": self.request.target,
            "precision": self.request.precision,
            "options": self.request.options,
            "file": self.path.name if self.path else None,
            "size": self.size,
            "sha256": self.sha256,
            "engine": self.engine,
            "verified": self.verified,
            "verification": self.verification,
            "first_difference": self.first_difference,
            "error": self.error.to_json() if self.error else None,
            "notes": list(self.notes),
            "seconds": round(self.seconds, 3),
        }


@dataclass(frozen=True)
class Conversion:
    """What came of a recipe.

    Attributes:
        recipe: as it was run, with the source's hash.
        prepared: what the first stage said of the model.
        artifacts: in the recipe's order.
        samples: names of the samples the original was run on.
        fp16_risk: plain data of the scan; None when every file is fp32.
        seconds: wall time of everything.
        peak_memory: bytes of the whole process tree at its highest.
    """

    recipe: Recipe
    prepared: Mapping[str, Any]
    artifacts: tuple[Artifact, ...]
    samples: tuple[str, ...] = field(default=())
    fp16_risk: Mapping[str, Any] | None = None
    seconds: float = 0.0
    peak_memory: int = 0

    @property
    def exit_status(self) -> int:
        """0 when every file is verified, 3 when one failed its verification, otherwise the first error's."""
        errors = [artifact.error for artifact in self.artifacts if artifact.error]
        if errors:
            return errors[0].exit_status
        return 0 if all(artifact.verified for artifact in self.artifacts) else VerificationError.exit_status

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain data."""
        return {
            "version": REPORT_VERSION,
            "exit_status": self.exit_status,
            "source": self.prepared["source"],
            "family": self.prepared["family"],
            "signature": self.prepared["signature"],
            "notes": self.prepared["notes"],
            "steps": self.prepared["steps"],
            "recipe": self.recipe.to_json(),
            "samples": list(self.samples),
            "memory_estimate": dict(self.prepared["memory"]),
            "fp16_risk": self.fp16_risk,
            "artifacts": [artifact.to_json() for artifact in self.artifacts],
            "seconds": round(self.seconds, 3),
            "peak_memory": self.peak_memory,
        }
