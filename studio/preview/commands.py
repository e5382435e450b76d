"""What a running preview is told by whoever looks at it: where to be in its source, and what to write."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject

from studio.preview.live import Live, LiveState


class Commands(QObject):
    """Tells the process; nothing happens while none runs.

    Attributes:
        live: the process.
    """

    def __init__(self, log: Path, parent: QObject) -> None:
        super().__init__(parent)
        self.live = Live(log, self)

    @property
    def state(self) -> LiveState:
        """How far the process is."""
        return self.live.state

    @property
    def is_on(self) -> bool:
        """Whether it runs or is about to."""
        return self.state in (LiveState.STARTING, LiveState.RUNNING, LiveState.RESTARTING)

    def play(self) -> None:
        """Have frames go on."""
        self.live.tell({"command": "play"})

    def pause(self) -> None:
        """Stand still."""
        self.live.tell({"command": "pause"})

    def step(self, by: int = 1) -> None:
        """Go one frame on (1) or back (-1) and stand still."""
        self.live.tell({"command": "step", "by": by})

    def seek(self, seconds: float) -> None:
        """Go to a moment of a clip, or a picture of a folder: one second each."""
        self.live.tell({"command": "seek", "seconds": seconds})

    def set_speed(self, factor: float) -> None:
        """Play a clip slower or faster, 0.1 to 4."""
        self.live.tell({"command": "speed", "factor": factor})

    def set_loop(self, is_on: bool) -> None:
        """Begin again at the end, or not."""
        self.live.tell({"command": "loop", "is_on": is_on})

    def forget_worst(self) -> None:
        """Empty the tray."""
        self.live.tell({"command": "forget_worst"})

    def snapshot(self, path: Path) -> None:
        """Write a PNG of both sides with the numbers; `told` says how that went."""
        self.live.tell({"command": "snapshot", "path": str(path)})

    def record(self, path: Path) -> None:
        """Begin a video of both sides; `told` says how that went."""
        self.live.tell({"command": "record", "path": str(path)})

    def stop_recording(self) -> None:
        """Complete the video."""
        self.live.tell({"command": "stop_recording"})
