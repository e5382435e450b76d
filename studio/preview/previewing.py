"""The live comparison of the open project: what was chosen for it, what is known of it, what it can be told.

One object that lives as long as the document; pages show it and are made anew as they like. Choices are of this run of
the program.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from converters.errors import CancelledError, StudioError, error_from_json
from converters.parameters import Value
from converters.preview.messages import SourceReport, WorstFrame
from converters.preview.request import Look, ModelChoice, PreviewRequest, SourceChoice
from studio.comparing import Entry, comparing
from studio.document import Document
from studio.jobs.service import JobService
from studio.preview.cameras import Cameras
from studio.preview.commands import Commands
from studio.preview.keeping import keep_frames, saved_words
from studio.preview.live import LiveState
from studio.preview.mailbox import LiveFrame
from studio.preview.sides import Sides
from studio.preview.statistics import Statistics
from studio.preview.watching import Watching
from studio.ui.texts import tr
from studio.ui.workbench import Workbench

Data = dict[str, Any]
CALIBRATION_FOLDER = "calibration"
INFORMATION, SUCCESS, WARNING, ERROR = "information", "success", "warning", "error"
"""Tones of sentences: the values of `studio.ui.widgets.banner.Tone`."""


def previewing(bench: Workbench) -> Previewing:
    """Return the live comparison of a workbench's document; the first caller makes the object."""
    found = bench.document.findChild(Previewing)
    return found if isinstance(found, Previewing) else Previewing(bench)


class Previewing(Commands):
    """The live comparison: choices, state, commands. Everything returns at once.

    Attributes:
        changed: anything but a frame: a choice, the state, the models, the cameras, and what the signals below tell.
        framed: a `LiveFrame`; its numbers are counted already.
        source_reported: `source_report` is another one; 4 times a second while a clip plays.
        worst_changed: `worst` are others.
        recording_changed: `recording` is another one.
        told: a sentence for people, its tone (as `Tone` has it), and the StudioError behind it or None.
        live: the process.
        statistics: of the frames that were shown since a side or the source changed.
        source: of the frames.
        people: whose faces appear: pictures of each; () for the first built-in portrait.
        look: how pictures are handed over.
        options: of the face pipeline.
        phone, is_throttled: the device profile that is simulated, "" for none.
        trial: a candidate in the place of the chosen one, for as long as somebody tries it; None for none.
        source_report: how the source is; None while none is open.
        models: plain data of the message `models`; None while none are open.
        worst: the frames of the tray, the worst first.
        recording: plain data of the last message `recording`; None where none is made.
    """

    changed = Signal()
    framed = Signal(object)
    source_reported = Signal()
    worst_changed = Signal()
    recording_changed = Signal()
    told = Signal(str, str, object)

    def __init__(self, bench: Workbench) -> None:
        document = bench.document
        super().__init__(bench.jobs.scratch.parent / "logs" / "preview" / "preview.log", document)
        self._document: Document = document
        self._jobs: JobService = bench.jobs
        self._comparing = comparing(bench)
        self._sides = Sides(document, self._comparing)
        self._wants = False
        self._rests = False
        self._origin = self._sides.source()
        self.source = SourceChoice()
        self.people: tuple[tuple[str, ...], ...] = ()
        self.look = Look()
        self.options: Mapping[str, Value] = {}
        self.phone = ""
        self.is_throttled = True
        self.trial: ModelChoice | None = None
        self.statistics = Statistics()
        self.source_report: SourceReport | None = None
        self.models: Data | None = None
        self.worst: tuple[WorstFrame, ...] = ()
        self.recording: Data | None = None
        self.live.framed.connect(self._take_frame)
        self.live.said.connect(self._take_message)
        self.live.refused.connect(self._take_refusal)
        self.live.crashed.connect(self._take_crash)
        self.live.state_changed.connect(self._take_state)
        self._last_state = self.live.state
        self._cameras = Cameras(bench.jobs, self)
        self._cameras.changed.connect(self.changed)
        self._cameras.failed.connect(lambda error: self._say_error(error, WARNING))
        self._watching = Watching(self)
        self._watching.is_watched_changed.connect(self._take_watched)
        self._watching.patience_ended.connect(self._rest)
        document.source_changed.connect(self._take_source_of_project)
        self._comparing.changed.connect(self._take_entries)
        bench.jobs.closing.connect(self.live.close)

    # --- what there is -------------------------------------------------------------------------------------------

    @property
    def entries(self) -> list[Entry]:
        """Everything that can be the original or the candidate."""
        return self._sides.entries

    @property
    def original(self) -> Entry | None:
        """What the candidate is compared with; None without a model."""
        return self._sides.original

    @property
    def candidate(self) -> Entry | None:
        """The compressed one: what was chosen, else the newest verified file, else the model itself."""
        return self._sides.candidate

    @property
    def cameras(self) -> tuple[Mapping[str, str], ...]:
        """The cameras there are, each its "place" and "title"; looked for every 2 seconds while somebody watches."""
        return self._cameras.found

    @property
    def is_recording(self) -> bool:
        """Whether a recording is being made."""
        return self.recording is not None

    def request(self) -> PreviewRequest | None:
        """Return what a preview would begin with now; None without a model."""
        original, candidate = self.original, self.candidate
        if original is None or candidate is None:
            return None
        return PreviewRequest(
            self._sides.model(original),
            self.trial or self._sides.model(candidate),
            self.source,
            str(self._jobs.scratch / "preview"),
            self.people,
            self.options,
            self.look,
            self.phone,
            self.is_throttled,
        )

    # --- what is chosen ------------------------------------------------------------------------------------------

    def choose_original(self, path: str) -> None:
        """Compare with another model; what runs begins anew."""
        if self.original is None or path != self.original.path:
            self._sides.original_path = path
            self._again()

    def choose_candidate(self, path: str) -> None:
        """Compare another one of `entries` with the original."""
        if self.candidate is None or path != self.candidate.path or not self._sides.candidate_path:
            self._sides.candidate_path = path
            if self.trial is None:
                self._tell_candidate()
            self.changed.emit()

    def add_candidate(self, path: str) -> None:
        """Offer a file that the project did not make, and choose it."""
        path = str(Path(path).absolute())
        self._comparing.add(path)
        self.choose_candidate(path)

    def try_candidate(self, choice: ModelChoice | None) -> None:
        """Put a model that is no entry in the candidate's place; None puts the chosen one back."""
        if choice != self.trial:
            self.trial = choice
            self._tell_candidate()
            self.changed.emit()

    def choose_source(self, source: SourceChoice) -> None:
        """Take frames from elsewhere."""
        if source != self.source or self.state is LiveState.FAILED:
            self.source = source
            self._tell_or_begin({"command": "source", "source": source.to_json()})
            self.changed.emit()

    def choose_people(self, people: Sequence[Sequence[str]]) -> None:
        """Have other faces appear, pictures of each person; () for the first built-in portrait."""
        chosen = tuple(tuple(person) for person in people)
        if chosen != self.people:
            self.people = chosen
            self._tell_or_begin({"command": "people", "people": [list(person) for person in chosen]})
            self.changed.emit()

    def choose_look(self, look: Look) -> None:
        """Change how pictures are handed over."""
        if look != self.look:
            self.look = look
            self.live.tell({"command": "look", "look": look.to_json()})
            self.changed.emit()

    def choose_options(self, options: Mapping[str, Value]) -> None:
        """Change options of the face pipeline; what runs begins anew."""
        if dict(options) != dict(self.options):
            self.options = dict(options)
            self._again()

    def choose_phone(self, profile: str, is_throttled: bool = True) -> None:
        """Pace the view as a phone would, "" for none."""
        if (profile, is_throttled) != (self.phone, self.is_throttled):
            self.phone, self.is_throttled = profile, is_throttled
            self.live.tell({"command": "phone", "profile": profile, "is_throttled": is_throttled})
            self.changed.emit()

    # --- what is done --------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin, or begin anew. Without a model nothing happens."""
        request = self.request()
        if request is None:
            return
        self._wants, self._rests = True, False
        self._forget()
        self.live.start(request)
        self._watching.begin_waiting()

    def stop(self) -> None:
        """End."""
        self._wants = self._rests = False
        self.live.stop()

    def keep_worst(self, frames: Sequence[WorstFrame]) -> None:
        """Add frames to the project's calibration pictures; `told` says how that went."""
        if frames:
            title = Path(self.source_report.title).stem if self.source_report is not None else tr("frame")
            folder = self._document.work_folder / CALIBRATION_FOLDER
            keep_frames(self._jobs, self, frames, folder, title, said=self._say_success, failed=self._say_error)

    # --- who looks -----------------------------------------------------------------------------------------------

    def watch(self, widget: QWidget) -> None:
        """Take note that a widget shows the frames; what rested because nobody did goes on."""
        self._watching.watch(widget)

    def unwatch(self, widget: QWidget) -> None:
        """Take note that a widget does not show them any more; 10 seconds after the last one the process ends."""
        self._watching.unwatch(widget)

    def _take_watched(self) -> None:
        if not self._watching.is_watched:
            self._cameras.end()
            return
        self._cameras.begin()
        if self._rests:
            self.start()

    def _rest(self) -> None:
        if self._wants and self.is_on:
            self._rests = True
            self.live.stop()

    # --- what the process says -----------------------------------------------------------------------------------

    def _take_frame(self, frame: LiveFrame) -> None:
        self.statistics.take(frame.report, time.monotonic())
        self.framed.emit(frame)

    def _take_message(self, message: Data) -> None:
        match message["event"]:
            case "source":
                self._take_source(SourceReport.from_json(message))
            case "models":
                self.models = message
                self.statistics.reset()
            case "worst":
                self.worst = tuple(WorstFrame(**each) for each in message["frames"])
                self.worst_changed.emit()
            case "recording":
                self.recording = message if message["is_on"] else None
                self.recording_changed.emit()
            case "saved":
                self.told.emit(saved_words(message), SUCCESS, None)
            case "trouble":
                self._say_error(error_from_json(message["error"]), WARNING)
        self.changed.emit()

    def _take_source(self, report: SourceReport) -> None:
        before, self.source_report = self.source_report, report
        if before is not None and (before.title, before.count) != (report.title, report.count):
            self.statistics.reset()
        self.source_reported.emit()

    def _take_refusal(self, command: str, error: StudioError) -> None:
        request = self.live.request
        if request is not None:  # it has gone back to what it was before
            self.source, self.people = request.source, request.people
            self.phone, self.is_throttled = request.phone, request.is_throttled
            if command == "candidate":
                self._go_back_to(request.candidate)
        self._say_error(error, WARNING)
        self.changed.emit()

    def _go_back_to(self, model: ModelChoice) -> None:
        if self.trial is not None:
            self.trial = model if model.path != self._sides.chosen_path else None
        elif any(each.path == model.path for each in self.entries):
            self._sides.candidate_path = model.path

    def _take_crash(self, error: StudioError) -> None:
        was_recording, self.recording = self.recording, None
        if was_recording is not None:
            self.recording_changed.emit()
            words = tr("The preview stopped unexpectedly. The recording is lost.")
        else:
            words = tr("The preview stopped unexpectedly and begins again.")
        if self.state is not LiveState.FAILED or was_recording is not None:  # else the state says it, with its error
            self.told.emit(words, WARNING, error)
        self.changed.emit()

    def _take_state(self) -> None:
        if self.state is not self._last_state:
            self._last_state = self.state
            if self.state is not LiveState.RUNNING:
                self._forget()
        self.changed.emit()

    def _forget(self) -> None:
        """Forget what a process said that is not there any more, or about to be replaced."""
        self.source_report = self.models = None
        if self.state is not LiveState.RESTARTING:  # then the sentence about the crash speaks of it
            self.recording = None
        if self.state in (LiveState.STARTING, LiveState.RESTARTING):
            self.worst = ()  # the new process begins a tray of its own, and removes what the old one left
            self.worst_changed.emit()
        self.statistics.reset()

    # --- what the project says -----------------------------------------------------------------------------------

    def _take_source_of_project(self) -> None:
        if self._sides.source() == self._origin:
            return
        self._origin = self._sides.source()
        self.stop()
        self._sides.forget()
        self.trial = None
        self.worst = ()
        self.changed.emit()

    def _take_entries(self) -> None:
        """Go on without files that are gone."""
        request = self.live.request
        if request is None or not self.is_on:
            self.changed.emit()
            return
        original = self.original
        if original is None:
            self.stop()
        elif original.path != request.original.path:
            self.told.emit(tr("The original is gone; the model takes its place."), WARNING, None)
            self.start()
        elif self.trial is None and request.candidate.path != self._sides.chosen_path:
            self._tell_candidate()
        self.changed.emit()

    # -------------------------------------------------------------------------------------------------------------

    def _tell_candidate(self) -> None:
        request = self.request()
        if request is not None:
            self._tell_or_begin({"command": "candidate", "model": request.candidate.to_json()})

    def _tell_or_begin(self, command: Data) -> None:
        """Tell what runs; what failed with the former choice begins anew with this one."""
        if self.state is LiveState.FAILED and self._wants:
            self.start()
        else:
            self.live.tell(command)

    def _again(self) -> None:
        if self.is_on or (self.state is LiveState.FAILED and self._wants):
            self.start()
        self.changed.emit()

    def _say_success(self, words: str) -> None:
        self.told.emit(words, SUCCESS, None)

    def _say_error(self, error: StudioError, tone: str = ERROR) -> None:
        if not isinstance(error, CancelledError):
            self.told.emit(error.what, tone, error)
