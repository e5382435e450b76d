"""What a person may choose about the face pipeline, described once for form, command line and checks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

from converters.errors import UsageError, did_you_mean
from converters.face.blend import BlendMethod
from converters.face.emap import EmapRule
from converters.face.masks import REGIONS, Area
from converters.parameters import Parameter, checked_options

LARGEST_BOOST = 8


class Which(StrEnum):
    """Which faces of a frame are swapped."""

    ONE = "one"
    MANY = "many"
    REFERENCE = "reference"


class MaskKind(StrEnum):
    """What may be taken together to say where the new face shows."""

    BOX = "box"
    OCCLUSION = "occlusion"
    AREA = "area"
    REGION = "region"


PARAMETERS: tuple[Parameter, ...] = (
    Parameter("detector", "", "model that finds faces; empty for the one that comes along"),
    Parameter("landmarker", "", "model that finds 68 points; empty for the one that comes along, none to do without"),
    Parameter("embedder", "", "model that knows faces again, such as arcface_w600k_r50.onnx"),
    Parameter("converter", "", "crossface network, for the swappers that need one"),
    Parameter("occluder", "", "model for the occlusion mask, such as xseg_1.onnx"),
    Parameter("region_masker", "", "model for the region mask, such as bisenet_resnet_34.onnx"),
    Parameter("enhancer", "", "model that redraws faces after the swap, such as gfpgan_1.4.onnx"),
    Parameter("family", "", "what the swapper is, for a file that does not tell"),
    Parameter("emap_rule", EmapRule.FACEFUSION.value, "whose arithmetic for emap", tuple(EmapRule)),
    Parameter("mask", MaskKind.BOX.value, f"comma-separated, of {', '.join(MaskKind)}; the smallest counts"),
    Parameter("areas", ",".join(Area), f"for the area mask, of {', '.join(Area)}"),
    Parameter("regions", ",".join(REGIONS), f"for the region mask, of {', '.join(REGIONS)}"),
    Parameter("mask_blur", 0.3, "how far the box mask fades inwards", minimum=0.0, maximum=1.0),
    Parameter("blend", BlendMethod.FEATHER.value, "how the new face meets the picture", tuple(BlendMethod)),
    Parameter("faces", Which.MANY.value, "which faces are swapped", tuple(Which)),
    Parameter("reference_cosine", 0.4, "least likeness to the reference face", minimum=-1.0, maximum=1.0),
    Parameter("pixel_boost", 1, "times the swapper's pixels a side", minimum=1, maximum=LARGEST_BOOST),
    Parameter(
        "identity_weight", 0.5, "0.5 as it is; more exaggerates, less keeps the target", minimum=0.0, maximum=1.0
    ),
    Parameter("enhancer_mix", 0.8, "how much of the enhanced face shows", minimum=0.0, maximum=1.0),
    Parameter(
        "enhancer_strength", 0.5, "codeformer's weight: 1 nearest to the face as it is", minimum=0.0, maximum=1.0
    ),
    Parameter("score", 0.0, "least score of a face; 0 for the detector's usual one", minimum=0.0, maximum=1.0),
    Parameter("angles", "0", "turns to search at, of 0, 90, 180, 270, comma-separated; each takes its time"),
    Parameter("track", True, "follow faces through a video and calm their landmarks"),
    Parameter(
        "detect_every", 1, "frames from one detection to the next; followed by landmarks between", minimum=1, maximum=60
    ),
)
NO_LANDMARKER = "none"
_ANGLES = ("0", "90", "180", "270")


@dataclass(frozen=True)
class FaceOptions:
    """The choices; each is described in `PARAMETERS`. Make it with `face_options`, which checks them."""

    detector: str
    landmarker: str
    embedder: str
    converter: str
    occluder: str
    region_masker: str
    enhancer: str
    family: str
    emap_rule: str
    mask: str
    areas: str
    regions: str
    mask_blur: float
    blend: str
    faces: str
    reference_cosine: float
    pixel_boost: int
    identity_weight: float
    enhancer_mix: float
    enhancer_strength: float
    score: float
    angles: str
    track: bool
    detect_every: int

    @property
    def masks(self) -> tuple[MaskKind, ...]:
        """The kinds of mask, each once."""
        return tuple(MaskKind(word) for word in _words(self.mask))

    @property
    def chosen_angles(self) -> tuple[int, ...]:
        """Degrees, clockwise."""
        return tuple(int(word) for word in _words(self.angles))

    @property
    def chosen_areas(self) -> tuple[str, ...]:
        """Of the area mask."""
        return _words(self.areas)

    @property
    def chosen_regions(self) -> tuple[str, ...]:
        """Of the region mask."""
        return _words(self.regions)

    def to_json(self) -> dict[str, Any]:
        """Return plain data that `face_options` takes."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def face_options(given: Mapping[str, Any] | None = None) -> FaceOptions:
    """Return checked options; what is not given has its default.

    Raises:
        UsageError: an unknown name, a value out of bounds, or a mask without the model it needs.
    """
    values: dict[str, Any] = checked_options(PARAMETERS, given or {}, "run")
    options = FaceOptions(**values)
    for name, words, known in (
        ("mask", _words(options.mask), tuple(MaskKind)),
        ("areas", options.chosen_areas, tuple(Area)),
        ("regions", options.chosen_regions, tuple(REGIONS)),
        ("angles", _words(options.angles), _ANGLES),
    ):
        if not words:
            raise UsageError(f"run: {name} is empty.", "", f"Known: {', '.join(known)}.")
        for word in words:
            if word not in known:
                raise UsageError(f"run: {name} cannot be {word!r}.", "", did_you_mean(word, known))
    if MaskKind.OCCLUSION in options.masks and not options.occluder:
        raise UsageError("The occlusion mask needs a model.", "", "Give one with --occluder, such as xseg_1.onnx.")
    if MaskKind.REGION in options.masks and not options.region_masker:
        raise UsageError(
            "The region mask needs a model.", "", "Give one with --region-masker, such as bisenet_resnet_34.onnx."
        )
    if MaskKind.AREA in options.masks and options.landmarker == NO_LANDMARKER:
        raise UsageError("The area mask needs landmarks.", "", "Do not switch the landmarker off.")
    return options


def _words(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))
