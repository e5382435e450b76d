"""Tell from frame to frame which face is whose, so that several people in view keep their own swap.

SORT (A. Bewley et al., ICIP 2016): a Kalman filter per face says where it should be, the Hungarian method gives every
detection to the track that it fits best. The fit is the overlap of the boxes and, where embeddings are given, their
cosine: that is what tells two people apart who cross, and finds somebody again who was away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from converters.errors import UsageError
from converters.face.detect.suppression import overlaps
from converters.face.embed import unit
from converters.face.faces import Detection, Embedding
from converters.face.kalman import Box, BoxMotion

_IMPOSSIBLE = 100.0  # far above any cost, so that the fewest impossible pairs are made; they are undone afterwards
_NEWEST_SHARE = 0.1  # of the newest embedding in a track's running mean
_YOUNG = 50  # sightings until which a track may turn out to be somebody who was away
_CROWDED = 0.2  # overlap with another detection from which on an embedding may show a bit of both


class TrackState(StrEnum):
    """How sure a track is."""

    TENTATIVE = "tentative"
    CONFIRMED = "confirmed"
    LOST = "lost"


@dataclass(frozen=True)
class TrackerSettings:
    """What counts as the same face.

    Attributes:
        least_overlap: intersection over union with the predicted box from which on a detection may be the same face.
        embedding_weight: share of the cosine in the fit, 0..1; the rest is the overlap.
        same: cosine from which on two sightings are the same person wherever they are.
        different: cosine below which they are two people though their boxes overlap.
        confirm_after: sightings in a row after which a face gets its number; those of the first frame get it at once.
        patience: frames for which the motion of an unseen face is believed; then it is lost.
        forget_after: frames after which a lost face is forgotten.
    """

    least_overlap: float = 0.1
    embedding_weight: float = 0.5
    same: float = 0.4
    different: float = 0.15
    confirm_after: int = 3
    patience: int = 15
    forget_after: int = 300

    def __post_init__(self) -> None:
        if (
            not 0 <= self.embedding_weight <= 1
            or not 0 < self.least_overlap < 1
            or not -1 <= self.different < self.same
        ):
            raise UsageError(
                "The tracker's settings contradict one another.",
                "",
                "Keep embedding_weight within 0..1, least_overlap within 0..1, and different below same.",
            )


@dataclass
class Track:
    """One face over time.

    Attributes:
        motion: where it is and goes.
        state: how sure.
        identity: its number from 1 on, None while tentative.
        hits: sightings so far.
        missed: frames since the last one.
        embedding: running mean of its unit embeddings, None where none was given.
    """

    motion: BoxMotion
    state: TrackState = TrackState.TENTATIVE
    identity: int | None = None
    hits: int = 1
    missed: int = 0
    embedding: Embedding | None = field(default=None, repr=False)


class Tracker:
    """Gives every face a number that it keeps.

    Args:
        settings: what counts as the same face.
    """

    def __init__(self, settings: TrackerSettings | None = None) -> None:
        self.settings = settings or TrackerSettings()
        self._tracks: list[Track] = []
        self._last_identity = 0
        self._frames = 0

    @property
    def tracks(self) -> tuple[Track, ...]:
        """Every track that is not forgotten."""
        return tuple(self._tracks)

    def reset(self) -> None:
        """Forget everybody; numbers are not used again."""
        self._tracks.clear()
        self._frames = 0

    def expected(self) -> dict[int, Box]:
        """Return where the faces seen in the last frame should be in the next one, by identity; changes nothing."""
        found = {}
        for track in self._tracks:
            if track.identity is not None and track.missed == 0:
                found[track.identity] = track.motion.expected()
        return found

    def update(
        self, detections: Sequence[Detection], embeddings: Sequence[Embedding | None] | None = None
    ) -> tuple[int | None, ...]:
        """Take in the faces of the next frame.

        Args:
            detections: all faces of the frame, in any order.
            embeddings: one for each detection (any length, same rule for all), None where there is none. Zeros, which
                have no direction, count as none.

        Returns:
            For each detection its identity: None while it has not been seen often enough.

        Raises:
            ValueError: another number of embeddings than detections; a bug of the caller.
        """
        if embeddings is not None and len(embeddings) != len(detections):
            raise ValueError(f"{len(embeddings)} embeddings for {len(detections)} detections")
        units = [
            unit(item) if item is not None and item.any() else None for item in embeddings or [None] * len(detections)
        ]
        boxes = np.array([detection.box for detection in detections], np.float64).reshape(-1, 4)
        for track in self._tracks:
            track.motion.predict()
        matched = self._resumed(self._matched(boxes, units), units)
        crowded = _crowded(boxes)
        identities: list[int | None] = []
        seen = set()
        for place, detection in enumerate(detections):
            known = matched.get(place)
            track = known or Track(BoxMotion(detection.box))
            if known is None:
                self._tracks.append(track)
                if self._frames == 0:
                    self._confirm(track)
            else:
                self._continue(known, detection)
            seen.add(id(track))
            newest = units[place]
            if newest is not None and (track.embedding is None or not crowded[place]):
                track.embedding = _mixed(track.embedding, newest)
            identities.append(track.identity)
        self._age([track for track in self._tracks if id(track) not in seen])
        self._frames += 1
        return tuple(identities)

    def _matched(self, boxes: npt.NDArray[np.float64], units: Sequence[Embedding | None]) -> dict[int, Track]:
        """Return the track of each detection that has one, by the detection's place."""
        if not len(boxes) or not self._tracks:
            return {}
        from scipy.optimize import linear_sum_assignment

        cost = self._cost(boxes, units)
        rows, columns = linear_sum_assignment(cost)
        return {
            int(column): self._tracks[row]
            for row, column in zip(rows, columns, strict=True)
            if cost[row, column] < _IMPOSSIBLE
        }

    def _resumed(self, matched: dict[int, Track], units: Sequence[Embedding | None]) -> dict[int, Track]:
        """Give detections of young tracks back to whom they belong: people who were hidden and come out half covered.

        Such a face resembles nobody at first and begins a track of its own; once it is whole it is known again.
        """
        taken = {id(track) for track in matched.values()}
        resumed = dict(matched)
        for place, young in matched.items():
            newest = units[place]
            if newest is None or young.hits >= _YOUNG:
                continue
            away = [
                track
                for track in self._tracks
                if track.embedding is not None and track.hits > young.hits and id(track) not in taken
            ]
            best = max(away, key=lambda track: float(track.embedding @ newest), default=None)  # type: ignore[operator]
            if best is None or best.embedding is None:
                continue
            likeness = float(best.embedding @ newest)
            own = -1.0 if young.embedding is None else float(young.embedding @ newest)
            if likeness >= self.settings.same and likeness > own:
                resumed[place] = best
                best.motion = young.motion
                best.missed = 0
                taken.add(id(best))
                self._tracks.remove(young)
        return resumed

    def _cost(self, boxes: npt.NDArray[np.float64], units: Sequence[Embedding | None]) -> npt.NDArray[np.float64]:
        """Return how badly each track (rows) fits each detection (columns): 0..1, or impossible."""
        settings = self.settings
        overlap = overlaps(np.array([track.motion.box for track in self._tracks], np.float64), boxes)
        overlap[[track.state is TrackState.LOST for track in self._tracks]] = 0.0
        cosine = _cosines([track.embedding for track in self._tracks], units)
        is_known = np.isfinite(cosine)
        closeness = np.where(is_known, cosine, 0.0)
        weight = np.where(is_known, settings.embedding_weight, 0.0)
        cost = (1 - weight) * (1 - overlap) + weight * (1 - np.clip(closeness, 0, 1))
        is_near = (overlap >= settings.least_overlap) & ~(is_known & (closeness < settings.different))
        is_same = is_known & (closeness >= settings.same)
        cost[~(is_near | is_same)] = _IMPOSSIBLE
        return np.asarray(cost)

    def _continue(self, track: Track, detection: Detection) -> None:
        if track.state is TrackState.LOST or track.missed > self.settings.patience:
            track.motion = BoxMotion(detection.box)  # where it was then says nothing about now
        else:
            track.motion.correct(detection.box)
        track.hits += 1
        track.missed = 0
        if track.identity is not None:
            track.state = TrackState.CONFIRMED
        elif track.hits >= self.settings.confirm_after:
            self._confirm(track)

    def _confirm(self, track: Track) -> None:
        self._last_identity += 1
        track.identity = self._last_identity
        track.state = TrackState.CONFIRMED

    def _age(self, unseen: Sequence[Track]) -> None:
        """Note that some tracks have no detection in this frame; drop those that cannot come back."""
        for track in unseen:
            track.missed += 1
            track.motion.slow()
            if track.missed > self.settings.patience and track.state is TrackState.CONFIRMED:
                track.state = TrackState.LOST
        self._tracks = [track for track in self._tracks if not self._is_over(track)]

    def _is_over(self, track: Track) -> bool:
        if track.missed == 0:
            return False
        if track.state is TrackState.LOST and track.embedding is None:
            return True  # nothing is left by which it could be known again
        return track.state is TrackState.TENTATIVE or track.missed > self.settings.forget_after


def _mixed(mean: Embedding | None, newest: Embedding) -> Embedding:
    return newest if mean is None else unit((1 - _NEWEST_SHARE) * mean + _NEWEST_SHARE * newest)


def _cosines(one: Sequence[Embedding | None], other: Sequence[Embedding | None]) -> npt.NDArray[np.float64]:
    """Return all cosines, NaN where either is unknown."""
    return np.array(
        [[np.nan if a is None or b is None else float(a @ b) for b in other] for a in one], np.float64
    ).reshape(len(one), len(other))


def _crowded(boxes: npt.NDArray[np.float64]) -> list[bool]:
    """Say of each box whether another one covers a good part of it."""
    shared = overlaps(boxes, boxes)
    np.fill_diagonal(shared, 0.0)
    return [bool(row.max(initial=0.0) > _CROWDED) for row in shared]
