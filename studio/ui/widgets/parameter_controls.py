"""One control for each kind of parameter: it shows a plain value and tells when a person changes it."""

from __future__ import annotations

import re
from typing import Any, Protocol

from PySide6.QtCore import QLocale, Qt, Signal
from PySide6.QtGui import QValidator, QWheelEvent
from PySide6.QtWidgets import QCheckBox, QComboBox, QDoubleSpinBox, QLineEdit, QSpinBox, QWidget

from converters.parameters import Parameter, Value
from studio.ui.texts import tr

_WHOLE = 2**31 - 1
_LARGE = 1e12
_DIGITS = 9
Validity = tuple[QValidator.State, str, int]
_NUMBER = re.compile(r"[-+]?\d*([.,]\d*)?([eE][-+]?\d*)?")


class ParameterControl(Protocol):
    """What a form knows of its controls; each is a QWidget as well.

    Signals:
        changed(value): a person chose another value; never by `show_value`.
        typed(text): a person is typing, and this is what stands there so far.
    """

    changed: Any
    typed: Any

    def show_value(self, value: Value) -> None:
        """Show a value of the parameter, without telling of a change."""


def control_for(parameter: Parameter) -> QWidget:
    """Return the control that a parameter's type, choices and limits ask for; it is a `ParameterControl`."""
    if parameter.choices:
        return Choices(parameter)
    if isinstance(parameter.default, bool):
        return Toggle()
    if isinstance(parameter.default, int):
        return WholeNumber(parameter)
    if isinstance(parameter.default, float):
        return Number(parameter)
    return Text()


class Toggle(QCheckBox):
    """On or off."""

    changed = Signal(object)
    typed = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.clicked.connect(self._tell)

    def show_value(self, value: Value) -> None:
        """Show it."""
        self.setChecked(bool(value))

    def _tell(self, is_on: bool) -> None:
        self.changed.emit(is_on)


class Choices(QComboBox):
    """One of a few values, shown translated."""

    changed = Signal(object)
    typed = Signal(str)

    def __init__(self, parameter: Parameter) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        for choice in parameter.choices:
            self.addItem(tr(str(choice)), choice)
        self.activated.connect(lambda place: self.changed.emit(self.itemData(place)))

    def show_value(self, value: Value) -> None:
        """Show it; nothing is chosen when it is none of the choices."""
        self.setCurrentIndex(self.findData(value))

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        """Leave the wheel to the page, unless the control is in use."""
        _only_in_use(self, event, super().wheelEvent)


class WholeNumber(QSpinBox):
    """A whole number, with limits and a unit."""

    changed = Signal(object)
    typed = Signal(str)

    def __init__(self, parameter: Parameter) -> None:
        super().__init__()
        low = -_WHOLE if parameter.minimum is None else int(parameter.minimum)
        high = _WHOLE if parameter.maximum is None else int(parameter.maximum)
        self.setRange(low, high)
        self.setStepType(
            QSpinBox.StepType.AdaptiveDecimalStepType if high > 1000 else QSpinBox.StepType.DefaultStepType
        )
        _prepare(self, parameter)

    def show_value(self, value: Value) -> None:
        """Show it, or the nearest there is."""
        _show(self, int(value))

    def validate(self, text: str, place: int) -> Validity:
        """Let people finish typing what is outside the limits: the form says so meanwhile."""
        return _validated(super().validate(text, place), text, self.prefix(), self.suffix())

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        """Leave the wheel to the page, unless the control is in use."""
        _only_in_use(self, event, super().wheelEvent)


class Number(QDoubleSpinBox):
    """A number, with limits and a unit; shows as many digits as it has."""

    changed = Signal(object)
    typed = Signal(str)

    def __init__(self, parameter: Parameter) -> None:
        super().__init__()
        self.setDecimals(_DIGITS)
        self.setRange(
            -_LARGE if parameter.minimum is None else parameter.minimum,
            _LARGE if parameter.maximum is None else parameter.maximum,
        )
        self.setStepType(QDoubleSpinBox.StepType.AdaptiveDecimalStepType)
        _prepare(self, parameter)

    def show_value(self, value: Value) -> None:
        """Show it, or the nearest there is."""
        _show(self, float(value))

    def textFromValue(self, value: float) -> str:  # noqa: N802
        """Write a number without zeros at its end."""
        locale = self.locale()
        locale.setNumberOptions(QLocale.NumberOption.OmitGroupSeparator)
        return locale.toString(value, "g", _DIGITS)

    def validate(self, text: str, place: int) -> Validity:
        """Let people finish typing what is outside the limits: the form says so meanwhile."""
        return _validated(super().validate(text, place), text, self.prefix(), self.suffix())

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        """Leave the wheel to the page, unless the control is in use."""
        _only_in_use(self, event, super().wheelEvent)


class Text(QLineEdit):
    """A line of text; tells of a change when it is finished, not at every letter."""

    changed = Signal(object)
    typed = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._shown = ""
        self.textEdited.connect(self.typed)
        self.editingFinished.connect(self._finish)

    def show_value(self, value: Value) -> None:
        """Show it."""
        self._shown = str(value)
        if self.text() != self._shown:  # or the cursor would jump
            self.setText(self._shown)

    def _finish(self) -> None:
        if self.text() != self._shown:
            self._shown = self.text()
            self.changed.emit(self._shown)


def _prepare(box: WholeNumber | Number, parameter: Parameter) -> None:
    box.setKeyboardTracking(False)
    box.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    if parameter.unit:
        box.setSuffix(f" {parameter.unit}")
    box.valueChanged.connect(box.changed.emit)
    box.lineEdit().textEdited.connect(
        lambda text: box.typed.emit(text.removeprefix(box.prefix()).removesuffix(box.suffix()).strip())
    )
    # what could not be taken has been put back by now, and nothing is wrong any more
    box.editingFinished.connect(lambda: box.typed.emit(box.cleanText()))


def _show(box: WholeNumber | Number, value: float) -> None:
    was_blocked = box.blockSignals(True)
    box.setValue(value)  # type: ignore[arg-type]
    box.blockSignals(was_blocked)


def _validated(verdict: Validity, text: str, prefix: str, suffix: str) -> Validity:
    """Return Qt's verdict on a text, but never "invalid" for what is a number: only outside the limits."""
    if verdict[0] != QValidator.State.Invalid:
        return verdict
    number = text.removeprefix(prefix).removesuffix(suffix).strip()
    if _NUMBER.fullmatch(number) and len(number) < 16:
        return QValidator.State.Intermediate, verdict[1], verdict[2]
    return verdict


def _only_in_use(control: QWidget, event: QWheelEvent, turn: Any) -> None:
    if control.hasFocus():
        turn(event)
    else:
        event.ignore()
