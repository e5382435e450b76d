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
from converters.opened import opened

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


def open_landmarker(path: Path | None = None, *, family: str = "", threads: int | None = None) -> Landmarker:
    """Open a landmarker; close it after use.

    Args:
        path: a model or artifact; None for the carried face mesh.
        family: id of the model's kind, for a file that does not tell.
        threads: of the runtime.

    Raises:
        UsageError: no such family.
        UnsupportedError: the model finds no 68 points, or the carried one is not installed.
        BadInputError: the file cannot be opened.
    """
    if family and (path is None or family not in LANDMARKERS):
        raise UsageError(f"There is no landmarker {family!r}.", "", did_you_mean(family, LANDMARKERS))
    stack = ExitStack()
    try:
        if path is None:
            from converters.face.landmarks.mesh import FILE, FaceMesh, mesh_input

            session = stack.enter_context(open_carried(FILE, threads=threads))
            return FaceMesh(session, mesh_input(session), close=stack.close)
        model = stack.enter_context(opened(path, threads=threads))
        identifier = family or model.family
        known = known_family(identifier)
        if identifier not in LANDMARKERS or known is None:
            what = f"It is a {known.kind} ({known.title})." if known else "It belongs to no family known here."
            raise UnsupportedError(f"{path.name} finds no landmarks.", what, f"Landmarkers: {', '.join(LANDMARKERS)}.")
        if len(model.signature.inputs) != 1:
            raise UnsupportedError(f"{path.name} finds no landmarks.", "A landmarker has one input.")
        tensor = model.signature.inputs[0]
        if not tensor.layout:
            tensor = with_family_facts(tensor, known.inputs[0])
        module, _, name = LANDMARKERS[identifier].partition(":")
        backend: Backend = getattr(importlib.import_module(module), name)
        return backend(model.session, tensor, close=stack.close)
    except BaseException:
        stack.close()
        raise
