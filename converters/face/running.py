"""The worker's side of `run`: a model on a picture, a folder of pictures or a video, written into staging."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from converters.builtin import DEMO_CLIP, DEMO_GALLERY
from converters.destination import destination_errors
from converters.errors import BadInputError, DestinationError, UsageError, did_you_mean
from converters.face.detect.registry import CARRIED
from converters.face.draw import contact_sheet
from converters.face.embed import cosine, open_embedder
from converters.face.faces import Face, Picture
from converters.face.finder import FaceFinder
from converters.face.folders import result_names
from converters.face.idle import idle_options, idle_sentence
from converters.face.options import FaceOptions, Which, face_options
from converters.face.works import Done, Mark, Swap, Work, kind_of, open_work
from converters.model.families import families
from converters.opened import Opened, opened
from converters.picture_names import READABLE_SUFFIXES
from converters.pictures import (
    WRITABLE_SUFFIXES,
    encoded_picture,
    pictures_in,
    read_picture,
    write_picture,
)
from converters.progress import Progress
from converters.video import VideoReader, VideoWriter, is_video

Data = dict[str, Any]
People = Sequence[Sequence[str]]
"""Paths of the pictures of each person."""
_MOST_LISTED = 2000  # faces; the whole answer is one line of JSON
_NO_SOUND = "Sound, if there was any, is not carried over: only pictures are written."
_SHEET_SOURCES, _SHEET_TARGETS = 5, 6
_REMEDY = (
    "Give a target in which faces are large and not covered; for heads that are not upright say "
    "--option angles=0,90,180,270."
)
_NOT_THE_REFERENCE = (
    "Give a clearer picture of the person with --reference, or a lower limit with --option reference_cosine=0.3."
)


@dataclass
class _Tally:
    """What was done so far."""

    frames: int = 0
    without_faces: int = 0
    faces: int = 0
    treated: int = 0
    remark: str = ""
    seconds: dict[str, list[float]] = field(default_factory=dict)
    found: list[Data] = field(default_factory=list)
    listed: int = 0
    unlisted: int = 0
    warnings: list[str] = field(default_factory=list)

    def add(self, done: Done, name: str, *, note: bool = True) -> None:
        """Count a frame; `note` what was found in it."""
        self.frames += 1
        self.without_faces += not done.faces
        self.faces += len(done.faces)
        self.treated += done.treated
        self.remark = done.remark or self.remark
        for stage, seconds in done.seconds.items():
            self.seconds.setdefault(stage, []).append(seconds)
        if not note:
            return
        if self.listed + len(done.faces) > _MOST_LISTED or self.unlisted:
            self.unlisted += 1
            return
        self.listed += len(done.faces)
        self.found.append({"name": name, "faces": [_plain(face) for face in done.faces]})

    def to_json(self) -> Data:
        """Return plain data."""
        if self.unlisted:
            self.warnings.append(
                f"Only the faces of the first {len(self.found)} frames are listed, {self.unlisted} were left out."
            )
        return {
            "frames": self.frames,
            "frames_without_faces": self.without_faces,
            "faces": self.faces,
            "treated": self.treated,
            "milliseconds": {stage: 1000 * statistics.median(values) for stage, values in self.seconds.items()},
            "found": self.found,
            "warnings": self.warnings,
        }


def run_model(arguments: Data, progress: Progress) -> Data:
    """Run a model on a target and write the result.

    Args:
        arguments: `model`; `sources`, for each person a list of pictures; `target`; `reference`, a picture or "";
            `staged`, where to write, "" for nowhere; `out`, what to call that in sentences; `options`, those given of
            `face_options`; `trust`.
        progress: told about every frame.

    Returns:
        `kind` of model, `frames`, `faces`, `treated`, median `milliseconds` of the stages, `found` faces by frame,
        `cosines` of a recogniser, `warnings`.

    Raises:
        StudioError: of any kind, in words.
    """
    options = face_options(arguments["options"])
    model = Path(arguments["model"])
    staged = Path(arguments["staged"]) if arguments["staged"] else None
    progress("Opening the model", 0.0, model.name)
    people: People = arguments["sources"]
    _check_family(options.family)
    with opened(model, trust=bool(arguments["trust"])) as as_told:
        found = replace(as_told, family=options.family or as_told.family)
        kind = kind_of(found)
        target = _target(arguments["target"], kind, staged)
        given = {"source": people, "reference": arguments["reference"], **arguments["options"]}
        idle = idle_options(found, kind, options, given)
        warnings = [idle_sentence(idle, kind, found.name)] if idle else []
        if kind == "recogniser":
            if staged is not None:
                raise UsageError(
                    f"{found.name} is a recogniser: it compares faces and draws nothing.",
                    "",
                    "Leave --out away; the cosines are printed, with --json as data.",
                )
            paths = [path for paths in people for path in paths]
            return _recognise(found, paths, target, options, warnings, progress)
        is_clip = target is not None and not target.is_dir() and is_video(target)
        with open_work(found, kind, options, thorough=not is_clip) as work:
            if staged is None and work.needs_out:
                raise UsageError("No file for the result was given.", "", "Say --out FILE.")
            _set_people(work, people, target, arguments["reference"], options)
            try:
                tally = _run(work, target, people, staged, is_clip, progress)
            except DestinationError as error:
                # people know the place by the name they gave
                what = error.what.replace(str(staged), arguments["out"])
                raise DestinationError(what, error.why, error.remedy) from error
    if work.needs_faces and not tally.treated:
        name = target.name if target is not None else "the gallery"
        is_somebody_else = kind == "swapper" and options.faces == Which.REFERENCE and tally.faces
        raise BadInputError(
            f"Nothing was done to {name}.", tally.remark, _NOT_THE_REFERENCE if is_somebody_else else _REMEDY
        )
    tally.warnings[:0] = warnings
    return {"kind": kind, **tally.to_json()}


def _check_family(name: str) -> None:
    known = (*families(), *CARRIED)
    if name and name not in known:
        raise UsageError(f"There is no family {name!r}.", "", did_you_mean(name, known))


def _target(text: str, kind: str, staged: Path | None) -> Path | None:
    """Return the target; None for the sheet of the demo's gallery."""
    if text:
        return Path(text)
    if kind != "swapper":
        raise UsageError("No picture or video to run on was given.", "", "Say --target FILE.")
    if staged is not None and staged.suffix.lower() in WRITABLE_SUFFIXES:
        return None
    return DEMO_CLIP if staged is not None and staged.suffix else DEMO_GALLERY


def _set_people(work: Work, people: People, target: Path | None, reference: str, options: FaceOptions) -> None:
    """Tell a swap who appears and who is replaced; a sheet (no target) sets its sources by itself."""
    if not isinstance(work, Swap):
        return
    if target is not None:
        sources = [_read(paths) for paths in people] or [_read(_gallery()[:1])]
        work.pipeline.set_sources(sources)
    if reference:
        path = Path(reference)
        work.pipeline.set_reference(path.name, read_picture(path))
    elif options.faces == Which.REFERENCE:
        raise UsageError("No reference face was given.", "", "Say --reference FILE, a picture of who is replaced.")


def _read(paths: Sequence[str | Path]) -> list[tuple[str, Picture]]:
    """Return the names and pictures of files."""
    return [(Path(path).name, read_picture(Path(path))) for path in paths]


def _gallery() -> list[Path]:
    """Return the built-in portraits."""
    files = pictures_in(DEMO_GALLERY) if DEMO_GALLERY.is_dir() else []
    if len(files) < 2:
        raise BadInputError(
            "The built-in pictures are not in this copy of the program.", "", "Say --source and --target."
        )
    return files


def _run(
    work: Work, target: Path | None, people: People, staged: Path | None, is_clip: bool, progress: Progress
) -> _Tally:
    tally = _Tally()
    if target is None:
        if not isinstance(work, Swap):
            raise ValueError("only a swapper runs without a target")
        _run_sheet(work, people, staged, tally, progress)
    elif is_clip:
        _run_video(work, target, staged, tally, progress)
    elif target.is_dir():
        _run_folder(work, target, staged, tally, progress)
    else:
        progress(work.title, 0.0, target.name)
        done = work.do(read_picture(target), None, progress)
        tally.add(done, target.name)
        if staged is not None and (done.treated or not work.needs_faces):
            write_picture(staged, done.picture)
    return tally


def _run_sheet(work: Swap, given: People, staged: Path | None, tally: _Tally, progress: Progress) -> None:
    """Put people on a sheet: whose faces along the top, whose pictures down the left, each swap where they meet."""
    people = _read(_gallery())
    most = min(_SHEET_SOURCES, max(1, len(people) // 3))
    tops = [_read(paths) for paths in given] or [[one] for one in people[:most]]
    sides = people[0 if given else most :][:_SHEET_TARGETS]
    work.pipeline.set_sources(tops)
    shown: list[Picture | None] = [None, *(pictures[0][1] for pictures in tops)]
    for number, (name, picture) in enumerate(sides):
        progress(work.title, number / len(sides), name)
        shown.append(picture)
        for done in work.each_source(picture, progress):
            tally.add(done, name)
            shown.append(done.picture)
    if staged is not None:
        write_picture(staged, contact_sheet(shown, len(tops) + 1))


def _run_folder(work: Work, folder: Path, staged: Path | None, tally: _Tally, progress: Progress) -> None:
    """Treat every picture of a folder; those that cannot be read or show no face are left out, with a warning."""
    files = pictures_in(folder)
    names = result_names(files)
    if not files:
        raise BadInputError(f"{folder} holds no picture.", "", f"Known kinds: {', '.join(READABLE_SUFFIXES)}.")
    if staged is not None:
        with destination_errors(staged):
            staged.mkdir(parents=True)
    for number, file in enumerate(files):
        progress(work.title, number / len(files), file.name)
        try:
            picture = read_picture(file)
        except BadInputError as error:
            tally.warnings.append(str(error))
            continue
        done = work.do(picture, None, progress)
        tally.add(done, file.name)
        if work.needs_faces and not done.treated:
            tally.warnings.append(f"{file.name} was left out. {done.remark}")
        elif staged is not None:
            result = staged / names[file]
            with destination_errors(result), result.open("xb") as written:
                written.write(encoded_picture(done.picture, result.suffix.lower()))
    if not tally.frames:
        raise BadInputError(f"{folder} holds no readable picture.", tally.warnings[0])


def _run_video(work: Work, target: Path, staged: Path | None, tally: _Tally, progress: Progress) -> None:
    """Treat every frame of a video; those without a face pass unchanged."""
    with VideoReader(target) as reader:
        with ExitStack() as stack:  # the size of the result is known when its first frame is there
            writer: VideoWriter | None = None
            for frame in reader:
                detail = f"frame {frame.index + 1}" + (f" of {reader.expected}" if reader.expected else "")
                progress(work.title, frame.index / reader.expected if reader.expected else 0.0, detail)
                done = work.do(frame.picture, frame.seconds, progress)
                tally.add(done, str(frame.index), note=isinstance(work, Mark))
                if staged is None:
                    continue
                if writer is None:
                    size = (done.picture.shape[1], done.picture.shape[0])
                    writer = stack.enter_context(VideoWriter(staged, size, reader.rate, progress=progress))
                writer.write(done.picture, frame.seconds)
            if writer is not None:
                progress("Checking the video", 1.0)
                tally.warnings.append(_NO_SOUND)
                if writer.is_shortened:
                    tally.warnings.append(f"Long pauses of {target.name} were cut short: its frames have odd times.")
        if reader.is_shorter_than_promised:
            tally.warnings.append(
                f"{target.name} promised {reader.expected} frames, {reader.frames_read} could be read: it is damaged."
            )


def _recognise(
    model: Opened,
    sources: Sequence[str],
    target: Path | None,
    options: FaceOptions,
    warnings: list[str],
    progress: Progress,
) -> Data:
    """Return the cosines of all faces of the target to the largest face of every source."""
    if not sources or target is None:
        raise UsageError("A recogniser compares two pictures.", "", "Say --source FILE and --target FILE.")
    with open_embedder(model) as embedder, FaceFinder(options, thorough=True) as finder:

        def seen(path: Path) -> tuple[Picture, tuple[Face, ...]]:
            progress("Comparing", 0.5, path.name)
            picture = read_picture(path)
            faces = finder.look(picture)
            if not faces:
                raise BadInputError(f"{path.name} shows no face.", "", "Give a picture with a large, upright face.")
            return picture, faces

        picture, faces = seen(target)
        embeddings = [embedder.embed(picture, face.points) for face in faces]
        cosines = []
        for source in sources:
            its_picture, its_faces = seen(Path(source))
            its = embedder.embed(its_picture, its_faces[0].points)
            cosines.append({"source": source, "cosines": [cosine(its, embedding) for embedding in embeddings]})
    tally = _Tally(frames=1, faces=len(faces), warnings=warnings)
    tally.found.append({"name": target.name, "faces": [_plain(face) for face in faces]})
    return {"kind": "recogniser", "cosines": cosines, **tally.to_json()}


def _plain(face: Face) -> Mapping[str, Any]:
    """Return what a detector or landmarker said of a face, as plain data."""
    plain: Data = {
        "box": [round(value, 2) for value in face.detection.box],
        "score": round(face.detection.score, 4),
        "points": [[round(value, 2) for value in point] for point in face.points.tolist()],
    }
    if face.landmarks is not None:
        plain["landmarks"] = [[round(value, 2) for value in point] for point in face.landmarks.points.tolist()]
        plain["landmarks_score"] = round(face.landmarks.score, 4)
    if face.identity is not None:
        plain["identity"] = face.identity
    return plain
