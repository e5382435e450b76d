"""A test's side of the running program: starts it, presses, waits, looks, and sees to it that nothing is left."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

AGENT = Path(__file__).with_name("agent.py")
PROJECT = AGENT.parents[3]


class ProgramError(AssertionError):
    """The program did not do what a test asked it to."""


class Program:
    """The real program, on a screen of its own or on none.

    Args:
        folder: its settings, recovery files, cache and logs go there.
        arguments: of the command line.
        display: of an X server; "" for no screen.
    """

    def __init__(self, folder: Path, arguments: Sequence[str] = (), *, display: str = "") -> None:
        self.folder = folder
        environment = {
            **os.environ,
            "FFSTUDIO_DATA": str(folder / "data"),
            "PYTHONUNBUFFERED": "1",
            "QT_QPA_PLATFORM": "xcb" if display else "offscreen",
            "LANG": "C.UTF-8",
        }
        if display:
            environment["DISPLAY"] = display
        self._errors = (folder / "program.log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, str(AGENT), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            cwd=PROJECT,
            env=environment,
            text=True,
        )
        self._answers: queue.Queue[str | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, name="from the program")
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._answers.put(line)
        self._answers.put(None)

    def ask(self, do: str, **values: Any) -> dict[str, Any]:
        """Have the program do something; return its answer.

        Raises:
            ProgramError: it could not, or ended.
        """
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps({"do": do, **values}) + "\n")
            self.process.stdin.flush()
            line = self._answers.get(timeout=60)
        except (OSError, queue.Empty) as error:
            raise ProgramError(f"no answer to {do} {values}: {self.log()}") from error
        if line is None:
            status = self.process.wait(timeout=10)
            reports = [path.read_text("utf-8", "replace")[-3000:] for path in self.folder.glob("data/crashes/*")]
            raise ProgramError(f"the program ended ({status}) at {do} {values}: {self.log()} {reports}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise ProgramError(f"{do} {values}: {answer['error']}; visible: {self._visible(do)}")
        return answer

    def _visible(self, do: str) -> list[str]:
        return [] if do == "names" else [name for name in self.ask("names")["names"] if name and name[:3] != "qt_"]

    def wait(self, name: str, seen: Callable[[dict[str, Any]], object], seconds: float = 60) -> dict[str, Any]:
        """Wait until what a widget shows is as a test wants it."""
        deadline = time.monotonic() + seconds
        while True:
            found = self.ask("find", name=name)
            if found["exists"] and seen(found):
                return found
            if time.monotonic() > deadline:
                picture = self.folder / "waiting.png"
                self.ask("picture", path=str(picture))
                raise ProgramError(f"{name} is {found}; see {picture}; visible: {self._visible('wait')}; {self.log()}")
            time.sleep(0.05)

    def wait_visible(self, name: str, seconds: float = 60) -> dict[str, Any]:
        """Wait until something is in view."""
        return self.wait(name, lambda found: found["visible"], seconds)

    def click(self, name: str, seconds: float = 60) -> None:
        """Click something as soon as it is in view and enabled."""
        self.wait(name, lambda found: found["visible"] and found["enabled"], seconds)
        self.ask("click", name=name)

    def children(self) -> list[psutil.Process]:
        """Return the processes that the program started."""
        return list(psutil.Process(self.process.pid).children(recursive=True))

    def log(self) -> str:
        """Return the end of what the program said on its error output."""
        self._errors.flush()
        return (self.folder / "program.log").read_text(encoding="utf-8", errors="replace")[-3000:]

    def close(self, answers: Sequence[str] = ("question-discard",), seconds: float = 15) -> int:
        """Close the window as a person does; return the exit status."""
        left = self.children()
        self.ask("close")
        for answer in answers:
            self._answer_if_asked(answer)
        status = self.process.wait(timeout=seconds)
        _, alive = psutil.wait_procs(left, timeout=5)
        if alive:
            raise ProgramError(f"left running: {alive}")
        return status

    def _answer_if_asked(self, button: str) -> None:
        deadline = time.monotonic() + 2
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if self.ask("dialog")["exists"]:
                    self.ask("answer", button=button)
                    return
            except ProgramError:
                if self.process.poll() is None:
                    raise
                return
            time.sleep(0.05)

    def kill(self) -> None:
        """End the program as a power cut would."""
        self.process.kill()
        self.process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            left = self.children()
            self.process.kill()
            self.process.wait()
            psutil.wait_procs(left, timeout=5)
        self._reader.join(timeout=5)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()
        self._errors.close()
