"""The preview process: frames in, both sides' pictures and numbers out, until it is told to stop."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from converters.dialogue import Dialogue
from converters.errors import CancelledError, StudioError
from converters.face.faces import Picture
from converters.face.options import face_options
from converters.preview.candidates import CandidateOpener
from converters.preview.capture import Capture, Frame
from converters.preview.commands import obey, refusal
from converters.preview.finishing import Finisher
from converters.preview.measures import IDENTITY_EVERY, WHOLE_KINDS, Cosines
from converters.preview.messages import SourceReport, SourceState
from converters.preview.pacing import Pacing
from converters.preview.pairs.base import PairResult
from converters.preview.pairs.opening import open_pair
from converters.preview.request import Look, PreviewRequest, SourceChoice
from converters.preview.treated import Treated
from converters.preview.troubles import Troubles
from converters.progress import Progress

Data = dict[str, Any]
_PATIENCE = 0.05  # seconds to wait for a frame before commands are looked at again
_BEAT_EVERY = 2.0  # seconds between two signs of life
_POSITION_EVERY = 0.25  # seconds between two reports of where a clip is


def preview(arguments: Data, dialogue: Dialogue) -> Data:
    """Run a preview; see `converters.preview.messages` for what is said and heard meanwhile.

    Args:
        arguments: a `PreviewRequest` as plain data.
        dialogue: hears commands, says frames and what happens; may cancel.

    Returns:
        "frames": how many were shown.

    Raises:
        StudioError: the models or the source cannot be opened.
    """
    with ExitStack() as stack:
        return Preview(PreviewRequest.from_json(arguments), dialogue, stack).run()


class Preview:
    """The loop. Frames are treated here; what comes after is the finisher's, in a thread beside the next frame.

    Args:
        request: what to begin with.
        dialogue: hears commands, says what happens.
        stack: closes what is opened.

    Attributes:
        capture, candidates, finisher: its parts, which commands tell what to do.
        look: how frames are shown.
        is_over: it was told to stop.

    Raises:
        StudioError: the models or the source cannot be opened.
    """

    capture: Capture
    candidates: CandidateOpener
    finisher: Finisher

    def __init__(self, request: PreviewRequest, dialogue: Dialogue, stack: ExitStack) -> None:
        self._dialogue = dialogue
        self._beaten = 0.0
        # the stages of every frame would say nothing new; whoever listens wants to know that it lives
        self._quiet = Progress(lambda _: self._beat(), dialogue.is_cancelled)
        self.is_over = False
        self.look = request.look
        self._treated = 0
        self._buffers: list[Picture] = [np.empty((0, 0, 3), np.uint8)] * 2
        self._said_source: SourceReport | None = None
        self._said_at = 0.0
        self._troubles = Troubles(dialogue)
        self._pair = stack.enter_context(
            open_pair(request.original, request.candidate, face_options(request.options), dialogue)
        )
        self._pair.set_people(request.people)
        self._candidate = request.candidate
        self.candidates = stack.enter_context(CandidateOpener(self._pair))
        self._pacing = Pacing()
        command = {"command": "phone", "profile": request.phone, "is_throttled": request.is_throttled}
        try:
            obey(self, command)
        except StudioError as error:  # the comparison is worth more than the phone
            dialogue.say(refusal(command, error))
        dialogue("Opening the source")
        self.capture = stack.enter_context(Capture(request.source, is_paused=request.is_paused))
        self.finisher = stack.enter_context(Finisher(dialogue, Path(request.folder)))
        self._is_discontinuous = True

    def run(self) -> Data:
        """Treat frames until told to stop."""
        self._say_models()
        self.say_source()
        while not self.is_over:
            self._quiet("Running")
            self._hear(0.0)
            self._take_candidate()
            self._report_source()
            frame = self.capture.newest(_PATIENCE)
            if frame is not None:
                self._treat(frame)
        self.finisher.wait()
        return {"frames": self.finisher.finished}

    def _beat(self) -> None:
        """Say now and then that it is at work, also while nothing moves."""
        now = time.monotonic()
        if now - self._beaten >= _BEAT_EVERY:
            self._beaten = now
            self._dialogue("Running")

    def _hear(self, patience: float) -> None:
        """Obey what was told; wait for the first so many seconds."""
        while not self.is_over and (command := self._dialogue.heard(patience)) is not None:
            patience = 0.0
            try:
                obey(self, command)
            except CancelledError:
                raise
            except StudioError as error:
                self._dialogue.say(refusal(command, error))

    def release(self, memory: str, slot: int) -> None:
        """Take a slot back."""
        self.finisher.publisher.release(memory, slot)

    # what commands change --------------------------------------------------------------------------------------------

    def set_source(self, choice: SourceChoice) -> None:
        """Read another source; StudioError where it cannot be opened."""
        self.capture.change(choice)
        self._is_discontinuous = True
        self.finisher.forget_worst({"command": "forget_worst"})

    def set_people(self, people: tuple[tuple[str, ...], ...]) -> None:
        """Let others appear; StudioError where a picture of them is of no use."""
        self._pair.set_people(people)
        self._again()

    def set_look(self, look: Look) -> None:
        """Show frames differently; the last one, too, where no other comes."""
        self.look = look
        if self.capture.report().state is not SourceState.PLAYING:
            self.finisher.again(look)

    def set_phone(self, profile: str, *, is_throttled: bool) -> None:
        """Pace the view as a phone would; StudioError where nobody knows it."""
        self._pacing.choose(profile, self._pair.sides, is_throttled=is_throttled)

    def say_source(self) -> None:
        """Say how the source is."""
        self._said_source, self._said_at = self.capture.report(), time.monotonic()
        self._dialogue.say(self._said_source.to_json())

    def _again(self) -> None:
        """Treat the last frame once more where no other comes."""
        if self.capture.report().state is not SourceState.PLAYING:
            self.capture.again()

    def _take_candidate(self) -> None:
        """Put a candidate that was opened meanwhile in its place."""
        done = self.candidates.done()
        if done is None:
            return
        try:
            if done.opened is None:
                raise done.error or ValueError("a candidate that is neither opened nor refused")
            self._pair.take_candidate(done.opened)
        except StudioError as error:
            self._dialogue.say(refusal(done.command, error))
            return
        self._candidate = done.choice
        self._say_models()
        self._again()
        try:
            self._pacing.renew(self._pair.sides)
        except StudioError as error:
            self._dialogue.say(refusal({"command": "phone"}, error))

    # what is said ----------------------------------------------------------------------------------------------------

    def _say_models(self) -> None:
        pair = self._pair
        sides = [asdict(side) for side in pair.sides]
        self._dialogue.say({"event": "models", "kind": pair.kind, "draws": pair.draws, "sides": sides})

    def _report_source(self) -> None:
        """Say how the source is where that changed; where it is in its clip, a few times a second."""
        report, said = self.capture.report(), self._said_source
        is_late = time.monotonic() - self._said_at >= _POSITION_EVERY
        if said is not None and not is_late:
            report = replace(report, seconds=said.seconds, index=said.index, next_try=said.next_try)
        if report != said:
            self.say_source()

    # frames ----------------------------------------------------------------------------------------------------------

    def _treat(self, frame: Frame) -> None:
        if frame.is_discontinuous or self._is_discontinuous:
            self._is_discontinuous = False
            self._pair.reset()
            self.finisher.reset()
        frame = replace(frame, picture=self._kept(frame.picture))
        phone, scale = self._pacing.frame()
        try:
            result = self._pair.process(_scaled(frame.picture, scale), frame.seconds, self._quiet)
            cosines = self._cosines(result)
        except CancelledError:
            raise
        except StudioError as error:
            self._treated += 1
            self._troubles.say(error)
            self.finisher.forget()  # the pair's buffers take turns: its next frame would write over that one's
            return
        self._treated += 1
        self.finisher.take(
            Treated(
                frame,
                result,
                cosines,
                self.look,
                self._pair.sides,
                self._pair.kind in WHOLE_KINDS,
                self._pair.draws,
                self._candidate.path,
                scale,
                max(0, frame.identity + 1 - self._treated),
                phone,
            )
        )
        self._pacing.wait(self._hear)

    def _kept(self, picture: Picture) -> Picture:
        """Return a copy that is good as long as the pair's results: until the frame after the next."""
        buffer = self._buffers.pop(0)
        if buffer.shape != picture.shape:
            buffer = np.empty(picture.shape, np.uint8)
        np.copyto(buffer, picture)
        self._buffers.append(buffer)
        return buffer

    def _cosines(self, result: PairResult) -> Cosines:
        """Return who is drawn, in every so many-th frame."""
        if self._treated % IDENTITY_EVERY:
            return ()
        begun = time.perf_counter()
        cosines = [self._pair.identities(crop) for crop in result.crops]
        result.seconds["identity"] = time.perf_counter() - begun
        return cosines


def _scaled(picture: Picture, scale: float) -> Picture:
    """Return a picture with its sides scaled down."""
    import cv2

    if scale >= 1:
        return picture
    size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
