"""The simulated phone beside the moving pictures: which one, how fast, how warm, and where its figures come from."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QElapsedTimer, QSignalBlocker, Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from converters.errors import UsageError
from converters.preview.messages import PhoneReport
from converters.preview.phone.profiles import DeviceProfile, profile_of, profiles
from studio.preview.mailbox import LiveFrame
from studio.preview.previewing import Previewing
from studio.ui.plain_tip import plain_tip
from studio.ui.texts import tr
from studio.ui.widgets.fold import Fold
from studio.ui.widgets.phone_words import source_words, state_words, time_tip, time_words, unit_title
from studio.ui.widgets.temperature_bar import TemperatureBar

REFRESH_MILLISECONDS: Final = 200
"""Between two looks at the numbers: faster, nobody could read them."""
_SILENT: Final = 10
"""Frames without a word of the chosen phone, from which on nothing is known of this model there."""
_SOURCES_HEIGHT: Final = 130
_NOTHING = "–"


class PhonePanel(QWidget):
    """Chooses a phone and shows what it would do. Its choice is kept by `previewing`, nothing here.

    Args:
        previewing: what is shown and told.
        parent: of the panel.
    """

    def __init__(self, previewing: Previewing, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("phone-panel")
        self._previewing = previewing
        self._profile: DeviceProfile | None = None
        self._is_shown = False
        self._silent = 0
        self._since = QElapsedTimer()
        self._make()
        self._lay_out()
        self._devices.currentIndexChanged.connect(self._choose_device)
        self._units.currentIndexChanged.connect(self._choose)
        self._gives_way.clicked.connect(self._choose)
        previewing.changed.connect(self.refresh)
        previewing.framed.connect(self._take_frame)
        self.refresh()

    def refresh(self) -> None:
        """Show the choice as it is."""
        profile = _known(self._previewing.phone)
        with QSignalBlocker(self._gives_way):
            self._gives_way.setChecked(self._previewing.is_throttled)
        if self._is_shown and profile == self._profile:
            return
        self._profile, self._is_shown = profile, True
        with QSignalBlocker(self._devices):
            self._devices.setCurrentIndex(max(self._devices.findData(profile.identity if profile else ""), 0))
        self._show_units(profile)
        for part in self._parts:
            part.setVisible(profile is not None)
        self._hint.setVisible(profile is None)
        self._silent = 0
        self._since.invalidate()
        self._clear()
        if profile is not None:
            self._bar.set_thresholds(profile.thermal.thresholds)
            self._bar.setToolTip(plain_tip(self._bar_tip(profile)))
            self._devices.setToolTip(plain_tip(source_words(profile)))
            if isinstance(self._text, QPlainTextEdit):
                self._text.setPlainText(source_words(profile))
        else:
            self._devices.setToolTip(tr("Pace the view as a phone would"))
        self.updateGeometry()

    # parts -----------------------------------------------------------------------------------------------------------

    def _make(self) -> None:
        self._simulated = QLabel(tr("Simulated, from published figures"), self)
        self._simulated.setObjectName("phone-simulated")
        self._simulated.setProperty("role", "warning")
        self._simulated.setWordWrap(True)
        self._simulated.setToolTip(tr("No phone is connected: speed and warmth are worked out, not measured"))
        self._devices = QComboBox(self)
        self._devices.setObjectName("phone-device")
        self._devices.setAccessibleName(tr("Simulated phone"))
        self._devices.addItem(tr("No phone"), "")
        for profile in profiles():
            self._devices.addItem(profile.title, profile.identity)
        self._units = QComboBox(self)
        self._units.setObjectName("phone-unit")
        self._units.setAccessibleName(tr("What runs the candidate on the phone"))
        self._units.setToolTip(tr("What runs the candidate on the phone: only units that figures were published of"))
        for box in (self._devices, self._units):
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.setMinimumContentsLength(7)
            box.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._hint = QLabel(tr("Choose a phone to see the pictures at its speed, as warm as it would grow."), self)
        self._hint.setProperty("role", "caption")
        self._hint.setWordWrap(True)
        self._bar = TemperatureBar(self)
        self._time = self._figure("phone-time")
        self._rate = self._figure("phone-rate")
        self._size = self._figure("phone-size")
        self._state = QLabel(self)
        self._state.setObjectName("phone-state")
        self._state.setTextFormat(Qt.TextFormat.PlainText)
        self._state.setWordWrap(True)
        self._gives_way = QCheckBox(tr("Give way when it is warm"), self)
        self._gives_way.setObjectName("phone-gives-way")
        self._gives_way.setAccessibleName(tr("Give way when it is warm"))
        self._gives_way.setToolTip(
            tr("As an app must: from 30 down to 15 frames a second, and a smaller picture, until the phone is cooler")
        )
        self._text: QPlainTextEdit | None = None
        self._sources = Fold(tr("Figures and sources"), self._make_text, name="phone-sources", parent=self)

    def _lay_out(self) -> None:
        choice = QHBoxLayout()
        choice.setSpacing(6)
        choice.addWidget(self._devices, 5)
        choice.addWidget(self._units, 4)
        grid = QGridLayout()
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(2)
        grid.setColumnStretch(1, 1)
        captions: list[QWidget] = []
        rows = (
            (tr("Candidate takes"), self._time),
            (tr("Frames a second"), self._rate),
            (tr("Works on"), self._size),
        )
        for row, (title, figure) in enumerate(rows):
            caption = QLabel(title, self)
            caption.setProperty("role", "secondary")
            grid.addWidget(caption, row, 0)
            grid.addWidget(figure, row, 1)
            captions.append(caption)
        self._parts: tuple[QWidget, ...] = (
            *(self._units, self._bar, self._time, self._rate, self._size, self._state, self._gives_way, self._sources),
            *captions,
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(self._simulated)
        column.addLayout(choice)
        column.addWidget(self._hint)
        column.addWidget(self._bar)
        column.addLayout(grid)
        column.addWidget(self._state)
        column.addWidget(self._gives_way)
        column.addWidget(self._sources)
        column.addStretch(1)

    def _figure(self, name: str) -> QLabel:
        label = QLabel(_NOTHING, self)
        label.setObjectName(name)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        return label

    def _make_text(self) -> QWidget:
        self._text = QPlainTextEdit(self)
        self._text.setObjectName("phone-sources-text")
        self._text.setAccessibleName(tr("Figures and sources"))
        self._text.setReadOnly(True)
        self._text.setFixedHeight(_SOURCES_HEIGHT)
        if self._profile is not None:
            self._text.setPlainText(source_words(self._profile))
        return self._text

    def _bar_tip(self, profile: DeviceProfile) -> str:
        marks = " / ".join(f"{mark:g}" for mark in profile.thermal.thresholds)
        return tr(
            "Simulated temperature of the phone's surface. The marks at {marks} °C: from there on an app gives way. "
            "Warming as published of the {phone}.",
            marks=marks,
            phone=profile.thermal.measured_on,
        )

    # choosing --------------------------------------------------------------------------------------------------------

    def _show_units(self, profile: DeviceProfile | None) -> None:
        with QSignalBlocker(self._units):
            self._units.clear()
            if profile is None:
                return
            if len(profile.units) > 1:
                self._units.addItem(tr("Fastest unit"), "")
            for unit in profile.units:
                self._units.addItem(unit_title(unit.unit), unit.unit.value)
                self._units.setItemData(self._units.count() - 1, plain_tip(unit.title), Qt.ItemDataRole.ToolTipRole)
            self._units.setCurrentIndex(max(self._units.findData(profile.unit.value if profile.unit else ""), 0))

    def _choose_device(self) -> None:
        self._tell(str(self._devices.currentData()))

    def _choose(self) -> None:
        device, unit = str(self._devices.currentData()), self._units.currentData()
        self._tell(f"{device}/{unit}" if device and unit else device)

    def _tell(self, choice: str) -> None:
        self._previewing.choose_phone(choice, self._gives_way.isChecked())

    # what the phone does ---------------------------------------------------------------------------------------------

    def _take_frame(self, frame: LiveFrame) -> None:
        if self._profile is None:
            return
        report = frame.report.phone
        if report is None or report.profile != self._profile.choice:
            self._silent += 1
            if self._silent == _SILENT:
                self._clear()
                self._say(
                    tr(
                        "Nothing was published that says how fast this model would be there. Choose another unit or "
                        "phone."
                    ),
                    "warning",
                )
            return
        self._silent = 0
        if self._since.isValid() and self._since.elapsed() < REFRESH_MILLISECONDS:
            return
        self._since.start()
        self._show_report(report, self._profile)

    def _show_report(self, report: PhoneReport, profile: DeviceProfile) -> None:
        self._bar.set_temperature(report.temperature)
        time = time_words(report)
        if self._time.text() != time:
            self._time.setText(time)
            self._time.setToolTip(plain_tip(time_tip(report, profile)))
        highest = profile.thermal.rates[0]
        self._rate.setText(tr("{rate} of {highest}", rate=f"{report.rate:.0f}", highest=f"{highest:.0f}"))
        whole = tr("the whole picture")
        part = tr("{percent} % of its sides", percent=f"{100 * report.scale:.0f}")
        self._size.setText(whole if report.scale >= 1 else part)
        self._say(*state_words(report, self._previewing.is_throttled))

    def _clear(self) -> None:
        self._bar.set_temperature(None)
        for figure in (self._time, self._rate, self._size):
            figure.setText(_NOTHING)
            figure.setToolTip("")
        self._say("", "caption")

    def _say(self, sentence: str, role: str) -> None:
        if self._state.text() != sentence:
            self._state.setText(sentence)
        if self._state.property("role") != role:
            self._state.setProperty("role", role)
            self._state.style().unpolish(self._state)
            self._state.style().polish(self._state)


def _known(choice: str) -> DeviceProfile | None:
    """Return the chosen phone; None for none, and for one that a later table no longer has."""
    if not choice:
        return None
    try:
        return profile_of(choice)
    except UsageError:
        return None
