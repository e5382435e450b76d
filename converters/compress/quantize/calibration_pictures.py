"""Calibration samples from pictures: faces found, aligned and embedded as the model's family expects them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from converters.builtin import DEMO_EMBEDDER
from converters.compare.crops import BUILT_IN_TEMPLATE, FacePicture, FaceSearch, as_crop
from converters.compare.feeds import Feeds, name_of, template_and_side, with_layouts
from converters.compress.quantize.calibration import CalibrationSample, CalibrationSet, MadeSamples
from converters.compress.quantize.calibration_integers import drawable, drawn
from converters.compress.quantize.calibration_sources import Kind, PictureSource, Shown, evenly, several, source_of
from converters.compress.quantize.calibration_store import PictureStore
from converters.errors import BadInputError
from converters.face.align import TEMPLATES, matrix_to, scale_of
from converters.face.faces import Points
from converters.face.swap.opening import is_of_the_demo_swapper
from converters.face.tensors import is_picture
from converters.model.families import family
from converters.model.graph import Model
from converters.model.signature import Role, Signature
from converters.progress import Progress

_MOST_FACES = 8  # of one picture
_LARGEST_ENLARGEMENT = 3.0
"""Crop pixels for each picture pixel beyond which a face behind the largest one is too small to show anything."""
_SEE_FACES = ("landmarker", "masker")
_KNOWN_ROLES = (Role.IMAGE, Role.EMBEDDING, Role.PARAMETER, Role.MASK)


class FedPictures(MadeSamples):
    """Samples of pictures, each made when it is asked for."""

    def __init__(self, pictures: PictureStore, feeds: Feeds, signature: Signature, highest: Mapping[str, int]) -> None:
        self._pictures = pictures
        self._feeds = feeds
        self._signature = signature
        self._highest = highest

    def __len__(self) -> int:
        return len(self._pictures)

    def _make(self, place: int) -> CalibrationSample:
        feed, item = self._feeds.make(place), self._pictures[place]
        arrays = feed.arrays | drawn(self._signature, self._highest, place)
        return CalibrationSample(item.name, arrays, item.picture, item.points, item.is_crop)


@dataclass
class _Found:
    """What was found in the pictures so far; `ranks` says of each kept face how many of its picture are larger"""

    store: PictureStore
    ranks: list[int] = field(default_factory=list)
    pictures: int = 0
    without: int = 0
    small: int = 0


def picture_set(
    model: Model, kind: Kind, places: Sequence[Path | None], most: int, embedder: Path | None, progress: Progress
) -> CalibrationSet:
    """Return the samples of a source of pictures, as `calibration_set` does.

    Args:
        places: one, or several where `kind` says so; None for the built-in crops.
    """
    template, side = template_and_side(model)
    wants_faces = template in TEMPLATES
    is_built_in = kind is Kind.BUILT_IN
    source: PictureSource
    source = several(places, most, progress) if kind is Kind.SEVERAL else source_of(kind, places[0], most, progress)
    found = _Found(PictureStore())
    notes: list[str] = []
    if not wants_faces or is_built_in:
        _take_whole(source, template if wants_faces else "", most, found, progress)
    else:
        notes += _take_faces(source, template, side, most, found, progress)
        total = len(found.store)
        if total > most:
            found.store.keep(_chosen(found.ranks, most, kind))
            notes.append(f"{most} of {total} faces were taken.")
    notes = [*source.notes, *notes]
    if not len(found.store):
        raise _nothing(source, found, notes, wants_faces)
    feeds_embedder = embedder or DEMO_EMBEDDER
    properties = {entry.key: entry.value for entry in model.proto.metadata_props}
    is_demo = is_of_the_demo_swapper({model.source.sha256}, properties)
    feeds = Feeds(
        model,
        with_layouts(model.signature),
        found.store,
        DEMO_EMBEDDER if is_demo else feeds_embedder,
        None,
        progress,
    )
    highest = drawable(model.signature, model.proto)
    samples = FedPictures(found.store, feeds, model.signature, highest)
    notes += _notes_on(model, feeds, is_demo or embedder is not None, is_built_in)
    notes += _notes_on_numbers(model, highest)
    if len(samples) > 1 and not any(is_picture(tensor) for tensor in model.signature.inputs) and _are_equal(samples):
        notes.append(
            "All samples are equal, so this calibration tells nothing: the model takes no picture, and nothing tells "
            "which values its inputs have. Give saved inputs as .npz."
        )
    return CalibrationSet(samples, _origin(source, found, wants_faces), tuple(notes))


def _are_equal(samples: FedPictures) -> bool:
    first = samples[0].digest
    return all(samples[place].digest == first for place in range(1, len(samples)))


def _notes_on_numbers(model: Model, highest: Mapping[str, int]) -> list[str]:
    """Return what a person should know about other inputs, whose values are guessed."""
    others = [tensor for tensor in model.signature.inputs if not is_picture(tensor)]
    guessed = [tensor.name for tensor in others if tensor.role not in _KNOWN_ROLES or tensor.name in highest]
    notes = []
    if random := [name for name in guessed if highest.get(name) != 0]:
        notes.append(
            f"Values of {', '.join(random)} are random within a plausible range: "
            "for ranges to rely on give saved inputs as .npz."
        )
    if zero := [name for name in guessed if highest.get(name) == 0]:
        notes.append(
            f"Values of {', '.join(zero)} are 0 in every sample: nothing tells which other whole numbers the model "
            "takes. For ranges to rely on give saved inputs as .npz."
        )
    return notes


def _take_whole(source: PictureSource, template: str, most: int, found: _Found, progress: Progress) -> None:
    """Take every picture as it is: for a model that wants no face, or, with a template, crops of the program's own."""
    for shown in source:
        progress("Reading pictures", len(found.store) / most, shown.name)
        item = FacePicture(shown.name, shown.picture)
        found.pictures += 1
        found.store.add(as_crop(item, BUILT_IN_TEMPLATE) if template else item, shown.path)
        if len(found.store) == most:
            break


def _take_faces(
    source: PictureSource, template: str, side: int, most: int, found: _Found, progress: Progress
) -> list[str]:
    """Take the faces of the first `most` pictures, and of further ones while there are too few; return notes."""
    with FaceSearch(side) as search:
        for place, shown in enumerate(source):
            if place >= most and len(found.store) >= most:
                break
            progress("Looking for faces", place / min(len(source), most), shown.name)
            found.pictures += 1
            is_crop = search.is_crop(shown.picture)
            if not is_crop and _take_all(shown, search, template, side, found):
                continue
            if is_crop or search.is_missing:
                found.store.add(as_crop(FacePicture(shown.name, shown.picture), template), shown.path)
                found.ranks.append(0)
            else:
                found.without += 1
        notes = list(search.notes)
    if found.without:
        notes.append(f"{_count(found.without, 'picture')} without a face that can be aligned: left out.")
    if found.small:
        notes.append(f"{_count(found.small, 'face')} in the background, too small for this model: left out.")
    if found.store.crops:
        notes.append(f"{found.store.crops} of {len(found.store)} samples were taken for face crops as they are.")
    return notes


def _take_all(shown: Shown, search: FaceSearch, template: str, side: int, found: _Found) -> bool:
    """Keep the faces of one picture; return whether there are any."""
    faces = search.faces(shown.picture)
    for place, points in enumerate(faces):
        if place and (place >= _MOST_FACES or _enlargement(template, points, side) > _LARGEST_ENLARGEMENT):
            found.small += place < _MOST_FACES
            continue
        name = f"{shown.name}, face {place + 1}" if len(faces) > 1 else shown.name
        found.store.add(FacePicture(name, shown.picture, points).trimmed())
        found.ranks.append(place)
    return bool(faces)


def _enlargement(template: str, points: Points, side: int) -> float:
    return scale_of(matrix_to(template, points, side))


def _chosen(ranks: Sequence[int], most: int, kind: Kind) -> list[int]:
    """Return places of faces.

    Of photographs every one's largest face first, then the second largest, …, spread evenly where cut: the others may
    be passers-by. In a video the second face is most likely in every frame: all ranks alike.
    """
    by_rank = sorted(range(len(ranks)), key=lambda place: (ranks[place], place))
    if kind is Kind.VIDEO:
        return sorted(by_rank[each] for each in evenly(len(by_rank), most))
    chosen: list[int] = []
    for rank in range(max(ranks) + 1):
        places = [place for place in by_rank if ranks[place] == rank]
        chosen += [places[each] for each in evenly(len(places), max(most - len(chosen), 0))]
    return sorted(chosen)


def _origin(source: PictureSource, found: _Found, wants_faces: bool) -> str:
    count = len(found.store)
    if not wants_faces:
        return f"{_count(count, 'picture')} of {source.origin}"
    return f"{_count(count, 'face')} of {source.origin}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _nothing(source: PictureSource, found: _Found, notes: Iterable[str], wants_faces: bool) -> BadInputError:
    origin = source.origin[:1].upper() + source.origin[1:]
    if not found.pictures:
        return BadInputError(f"{origin} holds no picture that can be read.", " ".join(notes), "Give other pictures.")
    assert wants_faces
    return BadInputError(
        f"{origin} shows no face that can be aligned.",
        f"{_count(found.pictures, 'picture')} of it were searched.",
        "Give photographs in which faces are seen from the front, or crops of the model's own size.",
    )


def _notes_on(model: Model, feeds: Feeds, is_its_own: bool, is_built_in: bool) -> list[str]:
    """Return what a person should know about inputs whose values are not the pictures' own."""
    notes = [feeds.embeddings] if feeds.embeddings else []
    if feeds.has_latents and not is_its_own:
        notes.append(
            f"{name_of(model)} was not trained with the demo embedder: its ranges would be surer with "
            "embeddings of its own recogniser."
        )
    known = family(model.family)
    if not is_built_in and known is not None and known.kind in _SEE_FACES and not known.template:
        notes.append(
            f"A {known.kind} is shown faces by its host: of every picture the middle was taken as it is. "
            "Give pictures that a face fills."
        )
    if is_built_in and known is not None and known.kind == "detector":
        notes.append(
            "The built-in crops show one face each that fills the picture: a detector is calibrated better on "
            "photographs or a video with people at many distances."
        )
    return notes
