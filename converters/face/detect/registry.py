"""Every detector by the family of its model, imported only when asked for."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final

from converters.errors import UnsupportedError, UsageError, did_you_mean
from converters.face.carried import open_carried
from converters.face.tensors import with_family_facts
from converters.model.families import family as known_family
from converters.opened import Opened, opened

if TYPE_CHECKING:
    from converters.face.detect.base import Detector
    from converters.model.signature import TensorInfo
    from converters.runtimes.base import Session

DEFAULT: Final = "blazeface_back"
_BLAZEFACE = "converters.face.detect.blazeface:BlazeFace"
_INSIGHTFACE = "converters.face.detect.insightface:InsightFaceDetector"
_ULTRAFACE = "converters.face.detect.ultraface:UltraFace"
_YUNET = "converters.face.detect.yunet:YuNet"
CARRIED: Final = ("blazeface_full_range", "blazeface_front", "blazeface_back")
DETECTORS: Final = {
    **dict.fromkeys(CARRIED, _BLAZEFACE),
    "retinaface": _INSIGHTFACE,
    "scrfd": _INSIGHTFACE,
    "yolo_face": "converters.face.detect.yolo_face:YoloFace",
    "yunet": _YUNET,
    "yunet_n": _YUNET,
    "retinaface_mobilenet0.25": "converters.face.detect.retinaface_mobilenet:RetinaFaceMobileNet",
    "ultraface_rfb_320": _ULTRAFACE,
    "ultraface_slim_320": _ULTRAFACE,
}


def open_detector(
    model: Path | Opened | None = None,
    *,
    family: str = "",
    canvas: tuple[int, int] | None = None,
    threshold: float | None = None,
    overlap: float | None = None,
    angles: Sequence[int] = (0,),
    tiled: bool | None = None,
    threads: int | None = None,
) -> Detector:
    """Open a face detector; close it after use.

    Args:
        model: a model or artifact, or one that is open already (and stays so); None for the carried BlazeFace.
        family: id of the model's kind, for a file that does not tell; without a model one of `CARRIED`.
        canvas: height and width that a model with free axes shall look at; None for its usual ones; a
            model that is open already keeps the one it was opened with.
        threshold, overlap, angles, tiled: as `Detector` takes them.
        threads: of the runtime.

    Raises:
        UsageError: no such family, or a limit that makes no sense.
        UnsupportedError: the model finds no faces, or the carried one is not installed.
        BadInputError: the file cannot be opened.
    """
    if family and family not in DETECTORS:
        raise UsageError(f"There is no face detector {family!r}.", "", did_you_mean(family, DETECTORS))
    stack = ExitStack()
    try:
        if model is None:
            session, tensor, identifier = _carried(family or DEFAULT, canvas, threads, stack)
        else:
            session, tensor, identifier = _given(model, family, canvas, threads, stack)
        module, _, name = DETECTORS[identifier].partition(":")
        backend: type[Detector] = getattr(importlib.import_module(module), name)
        return backend(
            session,
            tensor,
            threshold=threshold,
            overlap=overlap,
            angles=angles,
            tiled=tiled,
            close=stack.close,
        )
    except BaseException:
        stack.close()
        raise


def _carried(
    identifier: str, canvas: tuple[int, int] | None, threads: int | None, stack: ExitStack
) -> tuple[Session, TensorInfo, str]:
    from converters.face.detect.blazeface import VARIANTS, picture_input

    if identifier not in CARRIED:
        raise UsageError(
            f"The program brings no {identifier} along.", "", f"Give its file, or one of: {_list(CARRIED)}."
        )
    if canvas is not None:
        raise UsageError(f"{identifier} has a canvas of its own.", "", "Leave the canvas out, or give another model.")
    session = stack.enter_context(open_carried(VARIANTS[identifier].file, threads=threads))
    return session, picture_input(session), identifier


def _given(
    given: Path | Opened, family: str, canvas: tuple[int, int] | None, threads: int | None, stack: ExitStack
) -> tuple[Session, TensorInfo, str]:
    from converters.face.detect.blazeface import picture_input

    model = given if isinstance(given, Opened) else stack.enter_context(opened(given, threads=threads))
    identifier = family or model.family
    if identifier not in DETECTORS:
        known = known_family(identifier)
        what = f"It is a {known.kind} ({known.title})." if known else "It belongs to no family known here."
        raise UnsupportedError(f"{model.name} finds no faces.", what, f"Detectors: {_list(DETECTORS)}.")
    if len(model.signature.inputs) != 1:
        raise UnsupportedError(f"{model.name} finds no faces.", "A detector takes one picture and nothing else.")
    if canvas is not None:
        if isinstance(given, Opened):
            raise ValueError("the canvas of a model that is open already cannot change")
        name = model.signature.inputs[0].name
        stack.close()
        model = stack.enter_context(opened(given, shapes={name: (1, 3, *canvas)}, threads=threads))
    if identifier in CARRIED:
        return model.session, picture_input(model.session), identifier
    tensor = model.signature.inputs[0]
    known = known_family(identifier)
    if not tensor.layout and known is not None:
        tensor = with_family_facts(tensor, known.inputs[0])
    return model.session, tensor, identifier


def _list(names: Iterable[str]) -> str:
    return ", ".join(names)
