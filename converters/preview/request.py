"""What a preview is asked for: plain data that the window writes and the preview process reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from converters.builtin import DEMO_NAME
from converters.errors import UsageError
from converters.parameters import Value
from converters.picture_names import READABLE_SUFFIXES

Data = dict[str, Any]
_SOURCES = "Give `clip`, `camera:0`, a video, a picture or a folder of pictures."


class SourceKind(StrEnum):
    """Where frames come from."""

    CLIP = "clip"
    CAMERA = "camera"
    VIDEO = "video"
    FOLDER = "folder"
    VIRTUAL = "virtual"


@dataclass(frozen=True)
class SourceChoice:
    """A source and how it is opened.

    Attributes:
        kind: which.
        place: a camera's number, the path of a video, a picture or a folder; of a virtual camera the path of the
            video behind it; "" for the built-in clip.
        width, height: wanted of a camera, pixels; 0 for what it gives.
        mirror: left and right are exchanged, as people expect of a camera that looks at them.
        options: further ones of a kind: what a virtual camera does and when.
    """

    kind: SourceKind = SourceKind.CLIP
    place: str = ""
    width: int = 0
    height: int = 0
    mirror: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, text: str) -> Self:
        """Read what the command line takes: "clip", "camera", "camera:1", "virtual:FILE", or a path.

        A file is not opened, since the window may not do that: its name tells whether it is taken for a picture.

        Raises:
            UsageError: it is none of these, or there is nothing at that path.
        """
        kind, _, rest = text.partition(":")
        path = Path(text)
        if text == "clip":
            return cls()
        if path.is_dir():
            return cls(SourceKind.FOLDER, str(path.absolute()))
        if path.is_file():
            is_picture = path.suffix.lower() in READABLE_SUFFIXES
            return cls(SourceKind.FOLDER if is_picture else SourceKind.VIDEO, str(path.absolute()))
        if text == "camera" or (kind == "camera" and rest.isascii() and rest.isdecimal()):
            return cls(SourceKind.CAMERA, rest or "0", mirror=True)
        if kind == "camera":
            raise UsageError(f"There is no camera {rest!r}.", "Cameras are numbered from 0.", _SOURCES)
        if kind == "virtual" and Path(rest).is_file():
            return cls(SourceKind.VIRTUAL, str(Path(rest).absolute()))
        if kind == "virtual":
            raise UsageError(f"There is no video {rest!r} for a virtual camera.", "", "Give `virtual:FILE`.")
        raise UsageError(f"There is no source {text!r}.", "No file and no folder is at that path.", _SOURCES)

    @property
    def is_camera(self) -> bool:
        """Whether frames come when they come: nothing to seek, nothing to wait for."""
        return self.kind in (SourceKind.CAMERA, SourceKind.VIRTUAL)

    def to_json(self) -> Data:
        """Return plain data."""
        return {
            "kind": self.kind.value,
            "place": self.place,
            "width": self.width,
            "height": self.height,
            "mirror": self.mirror,
            "options": dict(self.options),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read plain data."""
        return cls(
            SourceKind(data["kind"]),
            data["place"],
            data["width"],
            data["height"],
            data["mirror"],
            dict(data["options"]),
        )


@dataclass(frozen=True)
class ModelChoice:
    """A model or artifact that draws one side.

    Attributes:
        path: as `converters.opened.opened` takes it; also "demo".
        label: for people.
        shapes, trust, sha256: of a source model.
        like_original: the file says nothing of its family: it is the original in other numbers (what the calibration
            makes of it), and is fed as the original is.
    """

    path: str = DEMO_NAME
    label: str = ""
    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    trust: bool = False
    sha256: str = ""
    like_original: bool = False

    def to_json(self) -> Data:
        """Return plain data."""
        return {
            "path": self.path,
            "label": self.label,
            "shapes": {name: list(shape) for name, shape in self.shapes.items()},
            "trust": self.trust,
            "sha256": self.sha256,
            "like_original": self.like_original,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read plain data."""
        shapes = {name: tuple(shape) for name, shape in data["shapes"].items()}
        return cls(data["path"], data["label"], shapes, data["trust"], data["sha256"], data["like_original"])


class Overlay(StrEnum):
    """Which map of differences lies over the candidate."""

    NONE = ""
    LPIPS = "lpips"
    FLIP = "flip"
    DIFFERENCE = "difference"


@dataclass(frozen=True)
class Look:
    """How the pictures are handed over.

    Attributes:
        width, height: most pixels of a picture, the pane's; 0 for as many as the frame has.
        overlay: the map that is made.
        close_up: the largest face alone instead of the whole frame.
    """

    width: int = 0
    height: int = 0
    overlay: Overlay = Overlay.LPIPS
    close_up: bool = False

    def to_json(self) -> Data:
        """Return plain data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read plain data."""
        return cls(data["width"], data["height"], Overlay(data["overlay"]), data["close_up"])


@dataclass(frozen=True)
class PreviewRequest:
    """Everything a preview begins with.

    Attributes:
        original, candidate: the two sides.
        source: of the frames.
        people: whose faces appear: pictures of each person; () for the first of the built-in portraits.
        options: of the face pipeline (`converters.face.options.PARAMETERS`); those left out have their defaults.
        look: how pictures are handed over.
        folder: private, made if missing: takes the pictures of the worst frames.
        phone: id of a device profile, "" for none.
        is_throttled: whether that phone grows warm.
        is_paused: begin with one frame and stand still.
    """

    original: ModelChoice
    candidate: ModelChoice
    source: SourceChoice
    folder: str
    people: tuple[tuple[str, ...], ...] = ()
    options: Mapping[str, Value] = field(default_factory=dict)
    look: Look = Look()
    phone: str = ""
    is_throttled: bool = True
    is_paused: bool = False

    def to_json(self) -> Data:
        """Return plain data."""
        return {
            "original": self.original.to_json(),
            "candidate": self.candidate.to_json(),
            "source": self.source.to_json(),
            "folder": self.folder,
            "people": [list(person) for person in self.people],
            "options": dict(self.options),
            "look": self.look.to_json(),
            "phone": self.phone,
            "is_throttled": self.is_throttled,
            "is_paused": self.is_paused,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read plain data."""
        return cls(
            ModelChoice.from_json(data["original"]),
            ModelChoice.from_json(data["candidate"]),
            SourceChoice.from_json(data["source"]),
            data["folder"],
            tuple(tuple(person) for person in data["people"]),
            dict(data["options"]),
            Look.from_json(data["look"]),
            data["phone"],
            data["is_throttled"],
            data["is_paused"],
        )
