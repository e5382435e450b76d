"""What the window tells the preview process while it runs, and what that says: plain data, described here once.

Told (each has "command", and may have a "number" that a refusal gives back):

| command | with | does |
|---|---|---|
| `release` | `memory`, `slot` | the slot of a frame was copied and is free again |
| `look` | `look` (`Look`) | size of the pictures, which map, close-up |
| `source` | `source` (`SourceChoice`) | other frames from now on; refused: the old source goes on |
| `candidate` | `model` (`ModelChoice`) | another candidate; refused: the old one goes on |
| `people` | `people` (lists of paths) | whose faces appear |
| `play`, `pause` | | frames go on, or stand still (a camera keeps being read, so that it is fresh afterwards) |
| `step` | `by` (1 or -1) | one frame on or back; pauses |
| `seek` | `seconds` | of a clip; of a folder: one second a picture |
| `speed` | `factor` (0.1 to 4) | of a clip or folder |
| `loop` | `is_on` | begin again at the end (at first it does) |
| `phone` | `profile` (id, "" for none), `is_throttled` | pace the view as that phone would |
| `snapshot` | `path` | write a PNG of both sides with the numbers |
| `record`, `stop_recording` | `path` | write a video of both sides with the map |
| `forget_worst` | | empty the tray |
| `stop` | | end well |

Said (each has "event"):

| event | with |
|---|---|
| `memory` | `path`, `size`, `slots`: map this, frames come in it from now on |
| `models` | `kind`, `draws`, `sides` (two `SideInfo`): when opened and whenever one changed |
| `source` | `SourceReport`: whenever anything of it changed, and after every command about it |
| `frame` | a `FrameReport` |
| `worst` | `frames`: those of the tray, the worst first (`WorstFrame`) |
| `saved` | `what` ("snapshot", "recording"), `path`, `frames`; `left_out` of a recording |
| `recording` | `is_on`, `frames`, `seconds`, `left_out`: frames that came faster than they were written |
| `refused` | `command`, its `number` (None where it had none), `error` (`StudioError.to_json`): nothing changed |
| `trouble` | `about` ("frame"), `error`: a frame could not be treated; it goes on |

The bytes of a slot: the original as BGRA (width x height x 4), the candidate the same, then the map as 8-bit grey
(width x height) where there is one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self

Data = dict[str, Any]


class SourceState(StrEnum):
    """How a source is."""

    PLAYING = "playing"
    PAUSED = "paused"
    ENDED = "ended"
    FROZEN = "frozen"
    """A camera gives no new frame."""
    LOST = "lost"
    """A camera was unplugged or refuses; it is tried again."""


@dataclass(frozen=True)
class SourceReport:
    """How the source is.

    Attributes:
        title: for people.
        state: of it.
        is_live: nothing to seek.
        seconds, duration: of a clip; None for no end.
        index, count: of the frame.
        rate: frames a second that it promises.
        size: of its frames, width and height.
        speed, is_looping: as told.
        problem: what is wrong, for people; "" for nothing.
        next_try: seconds until a lost camera is tried again; 0 where it is not lost.
    """

    title: str
    state: SourceState
    is_live: bool
    seconds: float
    duration: float | None
    index: int
    count: int | None
    rate: float
    size: tuple[int, int]
    speed: float = 1.0
    is_looping: bool = True
    problem: str = ""
    next_try: float = 0.0

    def to_json(self) -> Data:
        """Return plain data, with "event"."""
        return {"event": "source", **asdict(self)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read plain data."""
        given = {name: value for name, value in data.items() if name != "event"}
        given["state"] = SourceState(given["state"])
        given["size"] = (int(given["size"][0]), int(given["size"][1]))
        return cls(**given)


@dataclass(frozen=True)
class FaceReport:
    """What is known of one face of a frame.

    Attributes:
        identity: the same in every frame; None where nothing tracks.
        box: left, top, right, bottom in pixels of the full frame.
        lpips, psnr, flip: between both sides' crops; None where not measured in this frame.
        original_cosine, candidate_cosine: of each side to the source's person; None where not measured in this frame.
    """

    identity: int | None
    box: tuple[float, float, float, float]
    lpips: float | None = None
    psnr: float | None = None
    flip: float | None = None
    original_cosine: float | None = None
    candidate_cosine: float | None = None


@dataclass(frozen=True)
class MapReport:
    """The map over the candidate.

    Attributes:
        overlay: an `Overlay`.
        highest: what 255 stands for.
        box: left, top, width and height of the part that is not 0, in pixels of the slot; None for all of it.
    """

    overlay: str
    highest: float
    box: tuple[int, int, int, int] | None = None


@dataclass(frozen=True)
class PhoneReport:
    """What the simulated phone does.

    Attributes:
        profile: its id.
        unit: "cpu", "gpu" or "npu": what would run the candidate.
        milliseconds: that one run of the candidate would take there.
        temperature: degrees Celsius of its surface.
        rate: frames a second that the app would show.
        scale: of the picture's sides that the app would work on, 1 for all of it.
        is_throttling: whether it is too warm.
        is_slower_here: this machine is slower than the phone would be, so what is shown is slower, too.
        least, most: milliseconds between which one run may well lie, going by how far published runs lie apart.
        basis: the precision of the published runs that this rests on, "int8"; it may be another than the candidate's.
    """

    profile: str
    unit: str
    milliseconds: float
    temperature: float
    rate: float
    scale: float
    is_throttling: bool
    is_slower_here: bool
    least: float = 0.0
    most: float = 0.0
    basis: str = ""


@dataclass(frozen=True)
class FrameReport:
    """One frame that was handed over.

    Attributes:
        memory, slot: where.
        identity: of the frame; both pictures are of it.
        size: width and height of the pictures in the slot.
        full_size: width and height of what they were made of.
        taken, said: when it was captured and when this was said, seconds of the monotonic clock.
        position, index: of the frame in its clip: seconds and number.
        name: of its file in a folder, else "".
        seconds: of each stage, by name (`pairs.base` says which), with "measure" and "show".
        faces: of those that were drawn.
        found: how many faces were found.
        remark: why nothing was drawn, "".
        map: over the candidate; None for none.
        figures: of this kind of model alone.
        dropped: frames of the source that were not treated, since the beginning.
        phone: what the simulated phone does; None for none.
        candidate: path of the model that drew the right side, as `ModelChoice.path` has it.
    """

    memory: str
    slot: int
    identity: int
    size: tuple[int, int]
    full_size: tuple[int, int]
    taken: float
    said: float
    position: float
    index: int
    name: str
    seconds: Mapping[str, float]
    faces: tuple[FaceReport, ...]
    found: int
    remark: str
    map: MapReport | None
    figures: Mapping[str, float]
    dropped: int
    phone: PhoneReport | None = None
    candidate: str = ""

    @property
    def loss(self) -> float | None:
        """LPIPS of the worst face, else of the whole frame: what the frame counts with; None: unknown."""
        return max((face.lpips for face in self.faces if face.lpips is not None), default=self.figures.get("lpips"))

    def to_json(self) -> Data:
        """Return plain data, with "event"."""
        data = asdict(self)
        data["seconds"], data["figures"] = dict(self.seconds), dict(self.figures)
        return {"event": "frame", **data}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read plain data."""
        given = {name: value for name, value in data.items() if name != "event"}
        for name in ("size", "full_size"):
            given[name] = (int(given[name][0]), int(given[name][1]))
        given["faces"] = tuple(FaceReport(**{**face, "box": tuple(face["box"])}) for face in given["faces"])
        given["map"] = None if given["map"] is None else _map_from(given["map"])
        given["phone"] = None if given["phone"] is None else PhoneReport(**given["phone"])
        return cls(**given)


def _map_from(data: Mapping[str, Any]) -> MapReport:
    box = data["box"]
    return MapReport(data["overlay"], data["highest"], None if box is None else (box[0], box[1], box[2], box[3]))


@dataclass(frozen=True)
class WorstFrame:
    """A frame of the tray.

    Attributes:
        identity: of the frame.
        loss: by which the tray is sorted: LPIPS of its worst face.
        position, name: of it in its clip or folder.
        picture: path of a PNG of the frame as it was captured, for the calibration set.
        original, candidate: paths of PNGs of what both sides made of it.
        thumbnail: path of a small PNG of the worst face, both sides beside each other.
    """

    identity: int
    loss: float
    position: float
    name: str
    picture: str
    original: str
    candidate: str
    thumbnail: str
