"""The live comparison's questions for places: videos, folders, pictures of people, where snapshots go."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog

from converters.picture_names import READABLE_SUFFIXES
from converters.preview.request import SourceChoice, SourceKind
from studio.ui.pages.live_panel import LivePanel
from studio.ui.texts import tr
from studio.ui.workbench import Workbench

_MODELS = "*.onnx *.pth *.pt *.safetensors *.mnn *.tflite *.mlpackage *.zip"
_VIDEOS = "*.mp4 *.mov *.mkv *.avi *.webm *.m4v *.mpg *.mpeg *.gif"


class LiveDialogs(QObject):
    """Asks, and hands on what was chosen; lives as long as the panel.

    Args:
        live: who wants to know.
        bench: whose settings remember where a person was last.
    """

    def __init__(self, live: LivePanel, bench: Workbench) -> None:
        super().__init__(live)
        self._live, self._bench = live, bench
        self._previewing = live.previewing
        live.file_wanted.connect(self._ask_for_file)
        live.video_wanted.connect(self._ask_for_video)
        live.folder_wanted.connect(self._ask_for_folder)
        live.person_wanted.connect(self._ask_for_person)
        live.snapshot_wanted.connect(self._ask_for_snapshot)
        live.record_wanted.connect(self._ask_for_recording)

    def _ask_for_file(self) -> None:
        kinds = f"{tr('Models')} ({_MODELS});;* (*)"
        chosen, _ = QFileDialog.getOpenFileName(self._live, tr("Add a file to compare"), self._last, kinds)
        if chosen:
            self._remember(chosen)
            # a package is a folder: dialogs that look into it give a file inside
            inside = next((each for each in Path(chosen).parents if each.suffix == ".mlpackage"), None)
            self._previewing.add_candidate(str(inside or chosen))

    def _ask_for_video(self) -> None:
        kinds = f"{tr('Videos')} ({_VIDEOS});;* (*)"
        chosen, _ = QFileDialog.getOpenFileName(self._live, tr("Choose a video"), self._last, kinds)
        if chosen:
            self._remember(chosen)
            self._previewing.choose_source(SourceChoice(SourceKind.VIDEO, str(Path(chosen).absolute())))

    def _ask_for_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self._live, tr("Choose a folder of pictures"), self._last)
        if chosen:
            self._previewing.choose_source(SourceChoice(SourceKind.FOLDER, str(Path(chosen).absolute())))

    def _ask_for_person(self, is_another: bool) -> None:
        suffixes = " ".join(f"*{suffix}" for suffix in sorted(READABLE_SUFFIXES))
        kinds = f"{tr('Pictures')} ({suffixes})"
        chosen, _ = QFileDialog.getOpenFileNames(self._live, tr("Pictures of one person"), self._last, kinds)
        if chosen:
            self._remember(chosen[0])
            person = tuple(str(Path(path).absolute()) for path in chosen)
            before = self._previewing.people if is_another else ()
            self._previewing.choose_people((*before, person))

    def _ask_for_snapshot(self) -> None:
        path = self._ask_where(tr("Save a picture of both sides"), "comparison.png", tr("Picture"))
        if path is not None:
            self._previewing.snapshot(path)

    def _ask_for_recording(self) -> None:
        path = self._ask_where(tr("Record both sides"), "comparison.mp4", tr("Video"))
        if path is not None:
            self._previewing.record(path)

    def _ask_where(self, title: str, name: str, kind: str) -> Path | None:
        suffix = Path(name).suffix
        document = self._bench.document
        folder = document.path.parent if document.path else Path(self._last or Path.home())
        chosen, _ = QFileDialog.getSaveFileName(self._live, title, str(folder / name), f"{kind} (*{suffix})")
        if not chosen:
            return None
        self._remember(chosen)
        path = Path(chosen)
        return path if path.suffix.lower() == suffix else path.with_name(path.name + suffix)

    @property
    def _last(self) -> str:
        return self._bench.settings.value.last_folder

    def _remember(self, chosen: str) -> None:
        self._bench.settings.change(last_folder=str(Path(chosen).parent))
