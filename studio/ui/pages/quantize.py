"""The page Quantize: calibrate, see what int8 does to the picture while a handle moves, keep float what must be."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import QCheckBox, QPushButton, QWidget

from converters.errors import CancelledError, StudioError
from studio.live_calibration import live_calibration
from studio.preview.previewing import previewing
from studio.ui.pages import quantize_request as plain
from studio.ui.pages.base import Page
from studio.ui.pages.quantize_calibration import CalibrationPanel
from studio.ui.pages.quantize_camera import CameraDialog
from studio.ui.pages.quantize_columns import QuantizeColumns
from studio.ui.pages.quantize_desk import OPEN, CalibrationDesk
from studio.ui.pages.quantize_form import QuantizeForm
from studio.ui.pages.quantize_layers import LayersPanel
from studio.ui.pages.quantize_live import QuantizeLive
from studio.ui.pages.quantize_long_work import LongWork, same_options
from studio.ui.pages.quantize_preview import PreviewPanel
from studio.ui.pages.quantize_ranges import RangePanel
from studio.ui.pages.quantize_recipe import QuantizeRecipe
from studio.ui.pages.quantize_words import count_pictures, forecast_of
from studio.ui.texts import tr
from studio.ui.widgets.banner import Tone
from studio.ui.widgets.plotting import is_loaded, load_in_background
from studio.ui.workbench import Workbench

_REST = 250
"""Milliseconds in which a person may turn a number further before a set is read anew."""
_LOOK = 50
"""Milliseconds between two looks at whether the engine's descriptions are there."""


class QuantizePage(Page):
    """See the module."""

    identifier: ClassVar[str] = "quantize"

    def __init__(self, bench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__(
            bench,
            tr("Quantize"),
            tr("Numbers of 8 bits make files four times smaller. What that costs the picture is decided here."),
            parent,
        )
        self._document = bench.document
        self.recipe = QuantizeRecipe(bench.document)
        self._folder = bench.jobs.scratch / "quantize"
        self._opened: Mapping[str, Any] | None = None
        self._opened_key = ""
        self._shown_arguments: plain.Data | None = None
        self._dragged: tuple[str, float, float] | None = None
        self._blame: tuple[Mapping[str, Any], Mapping[str, Any]] | None = None
        self._source = ""
        self._estimate = 0.0
        self.desk = CalibrationDesk(bench.jobs, self)
        self.work = LongWork(bench.jobs, self)
        self._columns = QuantizeColumns(self)
        self.calibration = CalibrationPanel(bench.settings, self._columns.settings)
        self.layers = LayersPanel(self._columns)
        self.preview = PreviewPanel(self._columns.right)
        self.ranges = RangePanel(self._columns.right)
        self._rest = QTimer(self, interval=_REST, singleShot=True)
        self._rest.timeout.connect(self._open)
        self._loading = QTimer(self, interval=_LOOK, singleShot=True)
        self._loading.timeout.connect(self._prepare_plot)
        self._lay_out()
        self.form = QuantizeForm(self.recipe, self._columns.settings, self._columns.left, self)
        self._calibrating = live_calibration(bench)
        self.live = QuantizeLive(self._calibrating, previewing(bench), self.preview, self.banner, self)
        self._connect()

    # what the window calls ------------------------------------------------------------------------------------------

    def shown(self) -> None:
        """Open the calibration set where that was not done yet; follow what changed meanwhile."""
        load_in_background()
        self._loading.start()
        self.form.fill()
        self.live.show()
        self._follow()

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802 - Qt's name
        """Put the live comparison back as it was; another window in front changes nothing."""
        super().hideEvent(event)
        if not event.spontaneous():
            self.live.leave()

    # layout ---------------------------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        self.enabled = QCheckBox(tr("Quantize this model"))
        self.enabled.setObjectName("quantize-enabled")
        self.enabled.setAccessibleName(tr("Quantize this model"))
        self.enabled.setToolTip(
            tr("Whether the recipe has these settings; files of the precision int8 are made with them")
        )
        self.enabled.clicked.connect(self.recipe.switch)
        self.buttons.addWidget(self.enabled)
        onward = QPushButton(tr("Convert…"))
        onward.setObjectName("quantize-convert")
        onward.setAccessibleName(tr("Go on to Convert"))
        onward.setToolTip(tr("Go on: choose which files are made"))
        onward.setProperty("role", "primary")
        onward.clicked.connect(lambda: self.go_to.emit("convert"))
        self.buttons.addWidget(onward)
        self._columns.left.addWidget(self.calibration)
        self._columns.left.addStretch(1)
        self._columns.arrange(self.layers)
        self.body.addWidget(self._columns, 1)
        self.preview.clear(tr("The picture appears here once the calibration set was read."))

    def _prepare_plot(self) -> None:
        if is_loaded():
            self.ranges.prepare()
        else:
            self._loading.start()

    def _connect(self) -> None:
        self._document.recipe_changed.connect(self._follow)
        self._document.source_changed.connect(self._follow)
        self._document.inspection_changed.connect(self._follow)
        self.desk.opened.connect(self._take_set)
        self.desk.histogram.connect(self.ranges.show_histogram)
        self.desk.previewed.connect(self._take_preview)
        self.desk.progressed.connect(self.calibration.show_progress)
        self.desk.failed.connect(self._fail)
        self.calibration.place_added.connect(self.recipe.add_place)
        self.calibration.place_removed.connect(self.recipe.remove_place)
        self.calibration.camera_asked.connect(self._ask_camera)
        self.calibration.sample_chosen.connect(lambda _place: self._show_sample())
        self.calibration.cancelled.connect(self.desk.cancel)
        self.layers.chosen.connect(self._choose_layer)
        self.layers.kept_float.connect(self.recipe.keep_float)
        self.layers.blame_asked.connect(self._begin_blame)
        self.layers.budget_asked.connect(self._begin_search)
        self.ranges.asked.connect(self._ask_histogram)
        self.ranges.dragged.connect(self._drag)
        self.ranges.settled.connect(self._settle)
        self.ranges.reset.connect(self.recipe.reset_range)
        self.preview.stepped.connect(self._step_sample)
        self.form.changed.connect(self.recipe.set_option)
        self.live.switched.connect(self._show_sample)
        self._calibrating.wanted.connect(self._ask_model)
        self.work.blamed.connect(self._take_blame)
        self.work.searched.connect(self._take_schemes)
        self.work.grabbed.connect(self._take_pictures)
        self.work.failed.connect(self._fail_work)

    def _arguments(self) -> plain.Data:
        """Return what workers are told: the recipe, and the handle that is being moved."""
        options = self.recipe.options
        if self._dragged is not None:
            tensor, low, high = self._dragged
            options = plain.with_range(options, tensor, (low, high))
        options.pop("budget", None)
        options.pop("blame", None)
        return plain.asked(self._document, options, self._folder)

    # following the document -----------------------------------------------------------------------------------------

    def _follow(self) -> None:
        """Bring everything up to what the document says, where the page is in view."""
        if not self.isVisible():
            return
        if self._document.inspection is None:
            self._leave_model()
            return
        self.enabled.setChecked(self.recipe.is_there)
        self.form.follow()
        collected = self._document.work_folder / plain.CALIBRATION_FOLDER
        self.calibration.show_places(self.recipe.places, collected, count_pictures(collected))
        self._refresh()

    def _leave_model(self) -> None:
        self.desk.cancel()
        self.live.end()
        self._forget_set()
        self.preview.clear(tr("Open a model first."))

    def _forget_set(self) -> None:
        """Show nothing of a model that is not there any more."""
        self._opened, self._opened_key, self._shown_arguments, self._dragged = None, "", None, None
        self.calibration.grid.set_samples([], 0)
        self.layers.set_layers([])
        self.layers.set_ready(False)
        self.ranges.clear()
        self.preview.clear(tr("The picture appears here once the calibration set was read."))
        self.set_forecast("")

    def _refresh(self) -> None:
        """Ask for what the document's settings make necessary, and for nothing else."""
        arguments = self._arguments()
        if arguments["source"] != self._source:
            self._source = arguments["source"]
            self._blame, self._estimate = None, 0.0
            self._forget_set()
            self.work.tell_blame(self._source)
        if plain.set_key(arguments) != self._opened_key:
            if self._opened is None and not self.desk.is_opening and not self._opened_key:
                self._open()
            else:
                self._rest.start()
            return
        if self._opened is not None and self._shown_arguments != arguments:
            self._shown_arguments = arguments
            self._show_sample()
            if self.ranges.tensor:
                self._ask_histogram(self.ranges.tensor)
            self._show_blame()

    def _open(self, *, is_again: bool = False) -> None:
        """Have the calibration set read."""
        self._rest.stop()
        self._calibrating.give_up()  # opening forgets what was asked for before
        arguments = self._arguments()
        key = plain.set_key(arguments)
        if key == self._opened_key and not is_again:
            return
        self._opened_key = key
        self._shown_arguments = arguments
        self.banner.dismiss()
        self.layers.set_ready(False)
        self.calibration.show_progress(tr("Reading the calibration set"), 0.0)
        self.desk.open(arguments)

    def _take_set(self, data: Mapping[str, Any]) -> None:
        self._opened = data
        self.calibration.show_progress("", 0.0)
        self.calibration.show_set(data, max(self.calibration.grid.place, 0))
        self._take_layers(data)
        self.layers.set_measure("lpips" if data["draws"] else "mean")
        self.layers.set_ready(True)
        if not self.ranges.tensor or not self.layers.table.layer:
            first = next((layer for layer in data["layers"] if layer["output"]), data["layers"][0])
            self.layers.table.choose(first["name"])
        else:
            self._ask_histogram(self.ranges.tensor)
        self._show_sample()
        self._show_blame()
        self._refresh()

    def _take_layers(self, data: Mapping[str, Any]) -> None:
        self.layers.set_layers(data["layers"])
        self.set_forecast(forecast_of(data["totals"]))

    # samples and layers ---------------------------------------------------------------------------------------------

    def _show_sample(self) -> None:
        """Have the picture follow the settings: the chosen sample's, or that of live frames."""
        if self._opened is None:
            return
        if self.live.is_on:
            self._calibrating.want()
        else:
            self.desk.preview({**self._arguments(), "sample": max(self.calibration.grid.place, 0)})

    def _ask_model(self) -> None:
        """Have the settings of this moment made into a model for live frames."""
        if not self.isVisible():
            return  # another page, made after this one, is asked
        if self._opened is not None:
            self.desk.preview({**self._arguments(), "sample": None, "model": True})
        else:
            self._calibrating.give_up()

    def _step_sample(self, by: int) -> None:
        if self._opened is not None and self._opened["samples"]:
            self.calibration.grid.choose((self.calibration.grid.place + by) % len(self._opened["samples"]))

    def _take_preview(self, result: Mapping[str, Any], seconds: float) -> None:
        self._take_layers(result)
        self.layers.set_notes(result["notes"])
        if result["model"]:
            self._calibrating.take(result["model"])
            return
        if not self.live.is_on:
            self.preview.show_result(result, seconds)
        estimate = plain.blame_seconds(result["layers"], result["seconds"])
        self._estimate = min(estimate, self._estimate or estimate)  # the first picture is slower than those after it
        self.layers.set_estimate(self._estimate)

    def _choose_layer(self, name: str) -> None:
        layer = next(layer for layer in self.layers.rows.layers if layer["name"] == name)
        self.ranges.show_layer(layer)

    def _ask_histogram(self, tensor: str) -> None:
        if self._opened is not None:
            self.desk.ask_histogram({**self._arguments(), "tensor": tensor})

    # ranges ---------------------------------------------------------------------------------------------------------

    def _drag(self, tensor: str, low: float, high: float) -> None:
        """Show the effect of a handle; the recipe is changed when it is let go."""
        self._dragged = (tensor, low, high)
        self._show_sample()

    def _settle(self, tensor: str, low: float, high: float) -> None:
        self._dragged = None
        self.recipe.set_range(tensor, low, high)

    # long work ------------------------------------------------------------------------------------------------------

    def _begin_blame(self) -> None:
        self.work.blame(self._arguments(), self._document.title)
        self._say_begun(tr("Looking for the layers to blame. The list of jobs shows how far it is."))

    def _begin_search(self, budget: float) -> None:
        self.work.search(self._arguments(), budget, self._document.title)
        self._say_begun(tr("Choosing schemes. The list of jobs shows how far it is."))

    def _say_begun(self, words: str) -> None:
        self.banner.say(words, Tone.INFORMATION)

    def _take_blame(self, result: Mapping[str, Any], arguments: Mapping[str, Any]) -> None:
        if arguments["source"] != self._document.project.recipe.source:
            return
        self._blame = (result["blame"], arguments)
        self._show_blame()
        self.layers.sort_by_loss()
        self.banner.dismiss()

    def _show_blame(self) -> None:
        if self._blame is not None and self._opened is not None:
            found, arguments = self._blame
            self.layers.show_blame(found, is_current=same_options(arguments, self._arguments()))

    def _take_schemes(self, result: Mapping[str, Any], arguments: Mapping[str, Any]) -> None:
        if arguments["source"] != self._document.project.recipe.source:
            return
        self.recipe.take_schemes(result["options"])
        tone = Tone.SUCCESS if result["mixed"]["met"] else Tone.WARNING
        undo = (tr("Undo"), self._document.undo_stack.undo)
        self.banner.say(str(result["mixed"]["sentence"]), tone, [undo])

    def _ask_camera(self) -> None:
        dialog = CameraDialog(self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.accepted.connect(lambda: self._grab(dialog.values))
        dialog.open()

    def _grab(self, values: Mapping[str, int]) -> None:
        folder = self._document.work_folder / plain.CALIBRATION_FOLDER
        self.work.grab({**values, "folder": str(folder)})
        self._say_begun(tr("Taking pictures. Turn your head and change the light."))

    def _take_pictures(self, result: Mapping[str, Any]) -> None:
        folder = str(self._document.work_folder / plain.CALIBRATION_FOLDER)
        if not result["files"] or str(Path(result["files"][0]).parent) != folder:
            return
        self.banner.dismiss()
        if folder in self.recipe.places:
            self._open(is_again=True)
            self._follow()
        else:
            self.recipe.add_place(folder)

    # what goes wrong ------------------------------------------------------------------------------------------------

    def _fail(self, error: StudioError, operation: str) -> None:
        self.calibration.show_progress("", 0.0)
        again = (tr("Retry"), self._retry)
        self._calibrating.give_up()
        if operation != OPEN:
            self._shown_arguments = None
            self.banner.say_error(error, [again])
            return
        self._opened_key = ""
        if isinstance(error, CancelledError):
            words = tr("Reading the calibration set was stopped. What was observed so far is kept.")
            self.banner.say(words, Tone.INFORMATION, [(tr("Go on"), lambda: self._open(is_again=True))])
            return
        actions = [(tr("Retry"), lambda: self._open(is_again=True))]
        if self.recipe.places != [""]:
            actions.append((tr("Use the built-in crops"), lambda: self.recipe.set_places([""])))
        self.banner.say_error(error, actions)

    def _retry(self) -> None:
        self.banner.dismiss()
        if self.live.is_on:
            self._refresh()
        else:
            self.desk.retry()

    def _fail_work(self, error: StudioError, identity: int) -> None:
        def again() -> None:
            self.banner.dismiss()
            self.bench.jobs.retry(identity)

        self.banner.say_error(error, [(tr("Retry"), again)])
