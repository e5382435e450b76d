"""What somebody asked for that does nothing for the model at hand: said, never passed over."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from converters.face.options import PARAMETERS, FaceOptions, MaskKind, Which
from converters.face.swap.opening import is_demo_swapper
from converters.face.works import masks_regions, with_article
from converters.model.families import family as family_called
from converters.opened import Opened

_OF_FINDING: Final = {"detector", "landmarker", "score", "angles", "track", "detect_every"}
_USED: Final[dict[str, Collection[str]]] = {
    "swapper": {*(parameter.name for parameter in PARAMETERS), "source", "reference"},
    "detector": {"score", "angles", "track"},
    "landmarker": _OF_FINDING - {"landmarker"},
    "masker": _OF_FINDING,
    "enhancer": {*_OF_FINDING, "enhancer_mix", "enhancer_strength"},
    "frame enhancer": {"enhancer_mix", "enhancer_strength"},
    "picture": {"enhancer_strength"},
    "recogniser": {"source", "detector", "landmarker", "score", "angles"},
}


def idle_options(found: Opened, kind: str, options: FaceOptions, given: Mapping[str, Any]) -> list[str]:
    """Return the names of what was given and does nothing, in the order given.

    Args:
        found: the model, its family decided.
        kind: from `kind_of`.
        options: all of them.
        given: those that the person gave; `source` and `reference` too, empty where not.
    """
    usual = {parameter.name: parameter.default for parameter in PARAMETERS}
    asked = [name for name, value in given.items() if value not in ("", []) and value != usual.get(name)]
    used = {*_USED[kind], "family"}
    if kind == "masker" and masks_regions(found):
        used.add("regions")
    if kind == "swapper":
        used -= _without_effect(found, options)
    return [name for name in asked if name not in used]


def idle_sentence(names: Collection[str], kind: str, name: str) -> str:
    """Return the warning that some options do nothing for a kind of model called `name`."""
    what = "a network that draws pictures" if kind == "picture" else with_article(kind)
    return f"Without effect, as {name} is {what} and with the other options given: {', '.join(names)}."


def _without_effect(found: Opened, options: FaceOptions) -> set[str]:
    """Return the options that wait for another one, or for another swapper."""
    needed = {
        "areas": MaskKind.AREA in options.masks,
        "occluder": MaskKind.OCCLUSION in options.masks,
        "regions": MaskKind.REGION in options.masks,
        "region_masker": MaskKind.REGION in options.masks,
        "mask_blur": MaskKind.BOX in options.masks,
        "enhancer_mix": bool(options.enhancer),
        "enhancer_strength": bool(options.enhancer),
        "reference_cosine": options.faces == Which.REFERENCE,
    }
    known = family_called(found.family)
    if known is not None:
        needed["converter"] = known.embedding.startswith("crossface")
        needed["emap_rule"] = known.embedding == "emap"
    needed["embedder"] = not is_demo_swapper(found)
    return {name for name, is_needed in needed.items() if not is_needed}
