"""A form made from the descriptions of parameters: one control for each, never built by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFormLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from converters.errors import StudioError
from converters.parameters import Parameter, Value
from studio.ui.plain_tip import plain_tip
from studio.ui.texts import tr
from studio.ui.widgets.parameter_controls import control_for

_ABBREVIATIONS = {"os": "OS"}
_TITLES = {"adaround": "AdaRound", "families_defaults": "Family's defaults", "ranges": "Ranges by hand"}
"""Names that say too little by themselves."""


def readable(name: str) -> str:
    """Return the English words of a parameter's name, to be translated: "weight_block" is "Weight block"."""
    if name in _TITLES:
        return _TITLES[name]
    words = " ".join(_ABBREVIATIONS.get(word, word) for word in name.split("_"))
    return words[:1].upper() + words[1:]


class ParameterForm(QWidget):
    """One control per parameter, by its type, choices, limits and unit, in the order of the descriptions.

    Args:
        parameters: the descriptions.
        values: by name; what is missing has its default.
        names: which parameters to show, in this order; None for all.
        owner: whose they are, for sentences ("mnn") and for the controls' object names ("parameter-mnn-weight_block");
            "" where one form is alone on its page ("parameter-weight_block").

    Signals:
        changed(name, value): a person chose another value that is valid; never by `set_values`.
    """

    changed = Signal(str, object)

    def __init__(
        self,
        parameters: Iterable[Parameter],
        values: Mapping[str, Value],
        *,
        names: Iterable[str] | None = None,
        owner: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._owner = owner
        known = {parameter.name: parameter for parameter in parameters}
        self._parameters = known if names is None else {name: known[name] for name in names}
        self._values: dict[str, Value] = {}
        self._controls: dict[str, QWidget] = {}
        self._problems: dict[str, QLabel] = {}
        self._layout = QFormLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setHorizontalSpacing(12)
        self._layout.setVerticalSpacing(8)
        self._layout.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self._layout.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        for parameter in self._parameters.values():
            self._add(parameter)
        self.set_values(values)

    @property
    def values(self) -> dict[str, Value]:
        """The valid value of every parameter shown."""
        return dict(self._values)

    def control(self, name: str) -> QWidget:
        """Return the control of a parameter."""
        return self._controls[name]

    def problem(self, name: str) -> str:
        """Return the sentence at a parameter, "" for none."""
        label = self._problems[name]
        return "" if label.isHidden() else label.text()

    def set_values(self, values: Mapping[str, Value]) -> None:
        """Show values, without telling of a change; what is missing has its default.

        A value that does not fit (from a recipe written by hand) is not shown as if it did: its sentence stands at
        the field.
        """
        for name, parameter in self._parameters.items():
            given = values.get(name, parameter.default)
            try:
                value = parameter.check(given, self._name_in_sentences(name))
            except StudioError as error:
                self._values.setdefault(name, parameter.default)
                self.show_problem(name, str(error))
                continue
            is_new = self._values.get(name) != value or bool(self.problem(name))
            self._values[name] = value
            if is_new:
                self._controls[name].show_value(value)  # type: ignore[attr-defined]
            self.show_problem(name, "")

    def show_problem(self, name: str, sentence: str) -> None:
        """Show what is wrong with a field, below it; "" when nothing is."""
        label = self._problems[name]
        label.setText(sentence)
        label.setAccessibleName(sentence)
        label.setVisible(bool(sentence))
        self._controls[name].setProperty("invalid", bool(sentence))

    def set_shown(self, name: str, is_shown: bool) -> None:
        """Show or hide a parameter with its label, where it has a meaning with some of the others' values only."""
        field = self._controls[name].parentWidget()
        assert field is not None
        self._layout.setRowVisible(field, is_shown)

    def _add(self, parameter: Parameter) -> None:
        name = parameter.name
        control = control_for(parameter)
        title = tr(readable(name))
        control.setObjectName("-".join(part for part in ("parameter", self._owner, name) if part))
        control.setAccessibleName(title)
        control.setAccessibleDescription(tr(parameter.help))
        control.setToolTip(plain_tip(self._tooltip(parameter)))
        control.changed.connect(lambda value, name=name: self._change(name, value))  # type: ignore[attr-defined]
        control.typed.connect(lambda text, name=name: self._judge(name, text))  # type: ignore[attr-defined]
        problem = QLabel()
        problem.setObjectName(f"{control.objectName()}-problem")
        problem.setProperty("role", "error")
        problem.setTextFormat(Qt.TextFormat.PlainText)
        problem.setWordWrap(True)
        problem.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        problem.hide()
        field = QWidget(self)
        column = QVBoxLayout(field)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(control)
        column.addWidget(problem)
        label = QLabel(title, self)
        label.setToolTip(plain_tip(self._tooltip(parameter)))
        label.setBuddy(control)
        self._layout.addRow(label, field)
        # beside the control, not beside a sentence below it; only now, for what is moved after it was styled is styled
        # once more at every move
        control.ensurePolished()
        label.setMinimumHeight(control.sizeHint().height())
        self._controls[name], self._problems[name] = control, problem

    def _tooltip(self, parameter: Parameter) -> str:
        text = tr(parameter.help)
        if parameter.default == "" or isinstance(parameter.default, bool):
            return text
        shown = f"{parameter.default:g}" if isinstance(parameter.default, float) else tr(str(parameter.default))
        unit = f" {parameter.unit}" if parameter.unit else ""
        return tr("{help}\nUnless told otherwise: {value}", help=text, value=f"{shown}{unit}")

    def _name_in_sentences(self, name: str) -> str:
        return self._owner or tr(readable(name))

    def _judge(self, name: str, text: str) -> None:
        """Say at the field what speaks against what is being typed."""
        parameter = self._parameters[name]
        if isinstance(parameter.default, float):
            text = text.replace(",", ".")  # the decimal sign of half of the world
        try:
            parameter.parse(text, self._name_in_sentences(name))
        except StudioError as error:
            self.show_problem(name, str(error))
        else:
            self.show_problem(name, "")

    def _change(self, name: str, value: Value) -> None:
        try:
            checked = self._parameters[name].check(value, self._name_in_sentences(name))
        except StudioError as error:
            self.show_problem(name, str(error))
            return
        self.show_problem(name, "")
        if checked != self._values.get(name):
            self._values[name] = checked
            self.changed.emit(name, checked)
