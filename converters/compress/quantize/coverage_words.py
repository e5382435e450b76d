"""What a calibration set lacks, in words: the most important first, combined where that matters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from converters.compress.quantize.coverage_colour import Tone
from converters.compress.quantize.coverage_figures import Figures
from converters.compress.quantize.coverage_likeness import Duplicate, Outlier

LEFT_OUT: Final = "int8 fails exactly on the people left out"
NOTHING: Final = "Nothing of what is measured here is missing."
_FEW_SAMPLES: Final = 16
_LEAST_SAMPLES: Final = 4  # fewer lack nearly everything: not worth a list
_RARE: Final = 0.03  # of the samples
_WEAK_LIGHT, _STRONG_LIGHT = 60.0, 88.0  # L* of `Figures.light`
_DARK_PICTURE, _BRIGHT_PICTURE = 30.0, 70.0  # mean L* of a whole picture
_TURNED_BY, _TILTED_BY = 25.0, 20.0  # degrees
_SOFT_BELOW, _SHARP_ABOVE = 60.0, 250.0  # variance of the Laplacian
_LOW_BELOW, _HIGH_ABOVE = 8.0, 18.0  # standard deviation of L*
_LISTED: Final = 5


@dataclass(frozen=True)
class _Trait:
    """A property that some samples should have.

    Attributes:
        name: to follow "No" or "samples show".
        measure: the figure it is told by; where no sample has that figure, nothing is said.
        holds: whether a sample has it, given the figure.
        why: what follows from its lack; "" where it speaks for itself.
    """

    name: str
    measure: str
    holds: Callable[[Figures, float], bool]
    why: str = ""

    def of(self, each: Figures) -> bool | None:
        """Whether a sample has it; None where that was not measured."""
        value = getattr(each, self.measure)
        return None if value is None else self.holds(each, value)


def _tones(*tones: Tone) -> Callable[[Figures, float], bool]:
    return lambda each, _angle: each.tone in tones


def _below(limit: float) -> Callable[[Figures, float], bool]:
    return lambda _each, value: value < limit


def _above(limit: float) -> Callable[[Figures, float], bool]:
    return lambda _each, value: value > limit


def _beyond(limit: float) -> Callable[[Figures, float], bool]:
    return lambda _each, value: abs(value) >= limit


_DARK = _Trait("dark skin", "angle", lambda each, _angle: each.reads_dark and not each.is_dim, LEFT_OUT)
_LIGHT = _Trait("skin that reads as light", "angle", _tones(Tone.VERY_LIGHT, Tone.LIGHT), LEFT_OUT)
_MIDDLE = _Trait("skin that reads as between light and brown", "angle", _tones(Tone.INTERMEDIATE, Tone.TAN), LEFT_OUT)
_WEAK = _Trait("weak light", "light", _below(_WEAK_LIGHT), "dim rooms lie outside what was seen")
_STRONG = _Trait("strong light", "light", _above(_STRONG_LIGHT), "bright values will be cut off")
_TURNED = _Trait(
    f"heads turned aside by {_TURNED_BY:.0f}° or more",
    "yaw",
    _beyond(_TURNED_BY),
    "people seldom keep still before a camera",
)
_TILTED = _Trait(f"heads lowered or raised by {_TILTED_BY:.0f}° or more", "pitch", _beyond(_TILTED_BY))
_SOFT = _Trait("blurred pictures", "sharpness", _below(_SOFT_BELOW), "frames of a moving camera are blurred")
_SHARP = _Trait(
    "sharp pictures", "sharpness", _above(_SHARP_ABOVE), "fine detail makes larger values than soft pictures"
)
_LOW = _Trait("low contrast", "contrast", _below(_LOW_BELOW))
_HIGH = _Trait("high contrast", "contrast", _above(_HIGH_ABOVE), "hard shadows lie outside what was seen")
_DARK_SCENE = _Trait("dark pictures", "brightness", _below(_DARK_PICTURE), "dim rooms lie outside what was seen")
_BRIGHT_SCENE = _Trait("bright pictures", "brightness", _above(_BRIGHT_PICTURE), "bright values will be cut off")

# Only asked where each of the two is there by itself. Light skin under weak light is not among them: in a photograph
# that nobody corrected it reads as dark.
_TOGETHER: Final = (
    (_DARK, _WEAK, "dark skin under weak light", LEFT_OUT),
    (_DARK, _TURNED, "dark skin on a turned head", LEFT_OUT),
    (_LIGHT, _STRONG, "skin that reads as light under strong light", LEFT_OUT),
    (_WEAK, _TURNED, "turned heads under weak light", ""),
    (_DARK, _SOFT, "blurred pictures of dark skin", ""),
)
_PEOPLE: Final = (_DARK, _LIGHT)
_FURTHER: Final = (_WEAK, _TURNED, _STRONG, _MIDDLE, _SHARP, _SOFT, _HIGH, _TILTED, _LOW)
# The limits of sharpness and contrast were found on faces: of whole pictures they are figures, no judgements.
_SCENES: Final = (_DARK_SCENE, _BRIGHT_SCENE)


def missing(
    figures: Sequence[Figures], has_faces: bool, twins: Sequence[Duplicate], far: Sequence[Outlier]
) -> tuple[str, ...]:
    """Return what a set lacks, the most important first; one sentence that says so where it lacks nothing.

    Args:
        figures: of every sample.
        has_faces: whether they are faces.
        twins: near-duplicates.
        far: outliers.

    Returns:
        Sentences; () for samples that nothing can be measured of.
    """
    shown = [each for each in figures if each.brightness is not None]
    sentences = [*_on_number(len(figures)), *_on_places(shown)]
    if len(shown) >= _LEAST_SAMPLES and has_faces:
        sentences += _lacking(_PEOPLE, shown)
        sentences += _on_dim(shown)
        sentences += _combined(shown)
        sentences += _lacking(_FURTHER, shown)
    elif len(shown) >= _LEAST_SAMPLES:
        sentences += _lacking(_SCENES, shown)
    sentences += _on_twins(figures, twins)
    sentences += _on_outliers(figures, far)
    if sentences:
        return tuple(sentences)
    return (NOTHING,) if shown else ()


def remarks(figures: Sequence[Figures], has_faces: bool, has_landmarks: bool) -> tuple[str, ...]:
    """Return how the figures are to be read, and what could not be measured.

    Args:
        figures: of every sample.
        has_faces: whether they are faces.
        has_landmarks: whether a landmarker was at hand.
    """
    shown = [each for each in figures if each.brightness is not None]
    found = []
    if len(shown) < len(figures):
        found.append(
            f"{len(figures) - len(shown)} of {len(figures)} samples show no picture: nothing was measured of them."
        )
    if not has_faces or not shown:
        return tuple(found)
    if any(each.angle is not None for each in shown):
        found.append(
            "Skin tones are read from photographs whose light nobody measured: the same skin reads darker under weak "
            "light and lighter under strong."
        )
    colourless = sum(each.angle is None for each in shown)
    if colourless:
        found.append(
            f"Skin tone could not be read in {colourless} of {len(shown)} samples: they are grey, or lit in blue."
        )
    without = sum(each.yaw is None for each in shown)
    if without and not has_landmarks:
        found.append(f"Pose was not measured in {without} of {len(shown)} samples: no landmarker is installed.")
    elif without:
        found.append(
            f"Pose was not measured in {without} of {len(shown)} samples: the landmarker is not sure of a face."
        )
    if without < len(shown):
        found.append("Yaw is right within a few degrees, pitch within ten: it depends on how a face is built.")
    return tuple(found)


def _on_number(count: int) -> list[str]:
    if count >= _FEW_SAMPLES:
        return []
    if count == 1:
        return ["There is one sample: its ranges say nothing of other people, poses and lights."]
    return [f"There are only {count} samples: 32 to 128 that differ are a good number."]


def _on_places(shown: Sequence[Figures]) -> list[str]:
    """Return a sentence on crops in which the face lies elsewhere than the model expects it."""
    names = [each.name for each in shown if each.misplaced]
    if not names:
        return []
    return [
        f"In {len(names)} of {len(shown)} crops the face does not lie where the model expects it ({_listed(names)}): "
        "they may be cut for another model. Give the photographs they were cut from."
    ]


def _lacking(traits: Sequence[_Trait], shown: Sequence[Figures]) -> list[str]:
    sentences = []
    for trait in traits:
        answers = [answer for each in shown if (answer := trait.of(each)) is not None]
        if answers:
            sentences += _too_few(trait.name, sum(answers), len(answers), trait.why)
    return sentences


def _combined(shown: Sequence[Figures]) -> list[str]:
    sentences = []
    for one, other, name, why in _TOGETHER:
        both = [(one.of(each), other.of(each)) for each in shown]
        known = [pair for pair in both if None not in pair]
        if any(first for first, _ in known) and any(second for _, second in known):
            sentences += _too_few(name, sum(pair == (True, True) for pair in known), len(known), why)
    return sentences


def _too_few(name: str, count: int, of: int, why: str) -> list[str]:
    end = f": {why}." if why else "."
    if not count:
        return [f"No {name}{end}"]
    if count < _RARE * of:
        return [f"Only {count} of {of} samples {'shows' if count == 1 else 'show'} {name}{end}"]
    return []


def _on_dim(shown: Sequence[Figures]) -> list[str]:
    """Return a sentence on pictures that read as dark skin and may show light skin under weak light."""
    dark, dim = sum(each.reads_dark for each in shown), sum(each.is_dim for each in shown)
    if not dim:
        return []
    return [
        f"{dark} of {len(shown)} samples read as brown or dark, but in {dim} of them skin is so bright beside eyes and "
        "teeth that it is most likely lighter skin in weak light: they are not counted as dark skin. Look at them."
    ]


def _on_twins(figures: Sequence[Figures], twins: Sequence[Duplicate]) -> list[str]:
    if not twins:
        return []
    pairs = [f"{figures[each.second].name} like {figures[each.first].name}" for each in twins]
    number = "1 sample is" if len(twins) == 1 else f"{len(twins)} samples are"
    return [f"{number} nearly the same as an earlier one and count for little: {_listed(pairs)}."]


def _on_outliers(figures: Sequence[Figures], far: Sequence[Outlier]) -> list[str]:
    if not far:
        return []
    names = [f"{figures[each.place].name} ({each.tensors} of {each.of})" for each in far]
    return [
        f"Many ranges are as wide as they are for one sample alone: {_listed(names)}. If such pictures are rare, leave "
        "them out or take a percentile; if they are not, add more of them."
    ]


def _listed(words: Sequence[str]) -> str:
    return (
        ", ".join(words) if len(words) <= _LISTED else f"{', '.join(words[:_LISTED])} and {len(words) - _LISTED} more"
    )
