"""Every landmarker by the family of its model, imported only when asked for."""

from __future__ import annotations

import importlib
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final

from converters.errors import UnsupportedError, UsageError, did_you_mean
from converters.face.carried import open_carried
from converters.face.tensors import with_family_facts
from converters.model.families import family as known_family
from converters.opened import Opened, opened

if TYPE_CHECKING:
    from converters.face.landmarks.base import CropLandmarker, Landmarker
    from converters.face.landmarks.fan_68_5 import Fan68Of5

    Backend = type[CropLandmarker] | type[Fan68Of5]

_PFLD = "converters.face.landmarks.pfld:Pfld"
LANDMARKERS: Final = {
    "2dfan4": "converters.face.landmarks.heatmaps:TwoDFan",
    "peppa_wutz": "converters.face.landmarks.heatmaps:PeppaWutz",
    "fan_68_5": "converters.face.landmarks.fan_68_5:Fan68Of5",
    "pfld": _PFLD,
    "pfld_98": _PFLD,
}


def open_landmarker(model: Path | Opened | None = None, *, family: str = "", threads: int | None = None) -> Landmarker:
    """Open a landmarker; close it after use.

    Args:
        model: a model or artifact, or one that is open already (and stays so); None for the carried face mesh.
        family: id of the model's kind, for a file that does not tell.
        threads: of the runtime.

    Raises:
        UsageError: no such family.
        UnsupportedError: the model finds no 68 points, or the carried one is not installed.
        BadInputError: the file cannot be opened.
    """
    if family and (model is None or family not in LANDMARKERS):
        raise UsageError(f"There is no landmarker {family!r}.", "", did_you_mean(family, LANDMARKERS))
    stack = ExitStack()
    try:
        if model is None:
            from converters.face.landmarks.mesh import FILE, FaceMesh, mesh_input

            session = stack.enter_context(open_carried(FILE, threads=threads))
            return FaceMesh(session, mesh_input(session), close=stack.close)
        found = model if isinstance(model, Opened) else stack.enter_context(opened(model, threads=threads))
        identifier = family or found.family
        known = known_family(identifier)
        if identifier not in LANDMARKERS or known is None:
            what = f"It is a {known.kind} ({known.title})." if known else "It belongs to no family known here."
            raise UnsupportedError(f"{found.name} finds no landmarks.", what, f"Landmarkers: {', '.join(LANDMARKERS)}.")
        if len(found.signature.inputs) != 1:
            raise UnsupportedError(f"{found.name} finds no landmarks.", "A landmarker has one input.")
        tensor = found.signature.inputs[0]
        if not tensor.layout:
            tensor = with_family_facts(tensor, known.inputs[0])
        module, _, name = LANDMARKERS[identifier].partition(":")
        backend: Backend = getattr(importlib.import_module(module), name)
        return backend(found.session, tensor, close=stack.close)
    except BaseException:
        stack.close()
        raise
