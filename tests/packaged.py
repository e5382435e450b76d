"""Real conversions to package, made once, and the request for a package of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from converters.conversion import Conversion
from converters.package import PackagedFile, PackageRequest
from converters.pipeline import convert
from converters.precision import Precision
from converters.recipe import Recipe, StepRequest, TargetRequest, VerificationRequest


def converted(source: str, folder: Path, *targets: str) -> Conversion:
    """Convert a model to fp32 files with as little verification as there is."""
    recipe = Recipe(
        source=source,
        targets=tuple(TargetRequest(target, Precision.FP32) for target in targets),
        verification=VerificationRequest(samples=2, seconds=5),
    )
    return convert(recipe, folder)


def request_for(conversion: Conversion, destination: Path) -> PackageRequest:
    """Return the request for all files of a conversion."""
    report = conversion.to_json()
    files = [
        PackagedFile(
            path=artifact.path,
            target=artifact.request.target,
            precision=artifact.request.precision,
            sha256=artifact.sha256,
            verified=artifact.verified,
            report=data,
        )
        for artifact, data in zip(conversion.artifacts, report["artifacts"], strict=True)
        if artifact.path
    ]
    model = {"source": dict(conversion.prepared["source"])}
    return PackageRequest(destination, tuple(files), conversion.recipe, model)


def with_calibration(request: PackageRequest, place: str) -> PackageRequest:
    """Return a request whose recipe was calibrated on somebody's folder."""
    steps = (StepRequest("quantize", {"calibration": place, "layers": "/decoder/conv*=w8"}),)
    return replace(request, recipe=replace(request.recipe, steps=steps))
