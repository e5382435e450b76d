"""One target's card: which of its files are made, with which options, and what speaks against them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from converters.parameters import Value
from converters.precision import Precision
from studio.catalogue import TargetInfo
from studio.ui.pages.convert_words import precision_help, precision_text
from studio.ui.plain_tip import plain_tip
from studio.ui.texts import tr
from studio.ui.widgets.flow_layout import FlowLayout
from studio.ui.widgets.fold import Fold
from studio.ui.widgets.parameter_form import ParameterForm
from studio.ui.widgets.plain_label import plain_label

_USUAL: Mapping[str, Precision] = {"onnx": Precision.FP32}
_USUAL_ON_PHONES = Precision.FP16


@dataclass(frozen=True)
class TargetView:
    """What a card shows.

    Attributes:
        precisions: chosen ones.
        options: of the target.
        expected: a line for each chosen precision: about how large it will be, or that it is there.
        problems: by precision, sentences that speak against a file; chosen or not.
        findings: what the doctor says will not work in these files.
    """

    precisions: Sequence[Precision] = ()
    options: Mapping[str, Value] = field(default_factory=dict)
    expected: Mapping[Precision, str] = field(default_factory=dict)
    problems: Mapping[Precision, Sequence[str]] = field(default_factory=dict)
    findings: Sequence[str] = ()


class TargetCard(QFrame):
    """Shows a target; whoever listens changes the recipe and shows the card anew.

    Args:
        target: which one.

    Attributes:
        precisions_wanted: with the target's name and the precisions that are to be made.
        option_wanted: with the target's name, the option's and its value.
        go_to: asks for another page.
    """

    precisions_wanted = Signal(str, object)
    option_wanted = Signal(str, str, object)
    go_to = Signal(str)

    def __init__(self, target: TargetInfo, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._target = target
        self._view = TargetView()
        self.setObjectName(f"target-{target.name}")
        self.setProperty("role", "card")
        self.setAccessibleName(target.title)
        self._switch = QCheckBox(target.title)
        self._switch.setObjectName(f"target-{target.name}-switch")
        self._switch.setAccessibleName(tr("Make {target} files", target=target.title))
        self._switch.setToolTip(self._switch.accessibleName())
        self._switch.clicked.connect(self._turn)
        suffix = QLabel(target.suffix)
        suffix.setProperty("role", "caption")
        top = QHBoxLayout()
        top.addWidget(self._switch)
        top.addWidget(suffix)
        top.addStretch(1)
        self._chips = {precision: self._chip(precision) for precision in Precision if precision in target.precisions}
        chips = QWidget()
        row = FlowLayout(4, chips)
        for chip in self._chips.values():
            row.addWidget(chip)
        self._lines = plain_label(role="caption")
        self._lines.setObjectName(f"target-{target.name}-expected")
        self._problems = plain_label(role="error")
        self._problems.setObjectName(f"target-{target.name}-problems")
        self._limits = plain_label(role="caption")
        self._limits.setObjectName(f"target-{target.name}-limits")
        self._findings = plain_label(role="warning")
        self._findings.setObjectName(f"target-{target.name}-findings")
        self._to_model = QPushButton(tr("Look at the findings"))
        self._to_model.setObjectName(f"target-{target.name}-to-model")
        self._to_model.setProperty("role", "link")
        self._to_model.setAccessibleName(tr("Look at the findings on the page Model"))
        self._to_model.setToolTip(self._to_model.accessibleName())
        self._to_model.clicked.connect(lambda: self.go_to.emit("model"))
        self._form: ParameterForm | None = None
        self._fold = Fold(tr("Options"), self._make_form, name=f"target-{target.name}-options")
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 8, 12, 8)
        column.setSpacing(6)
        column.addLayout(top)
        column.addWidget(chips)
        for widget in (self._lines, self._problems, self._limits, self._findings):
            column.addWidget(widget)
        column.addWidget(self._to_model, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self._fold)
        self.show_view(self._view)

    def show_view(self, view: TargetView) -> None:
        """Show what is chosen and what is known."""
        self._view = view
        is_possible = not self._target.unavailable
        is_on = bool(view.precisions)
        self._switch.setChecked(is_on)
        self._switch.setEnabled(is_possible or is_on)
        for precision, chip in self._chips.items():
            problems = view.problems.get(precision, ())
            is_chosen = precision in view.precisions
            chip.setChecked(is_chosen)
            # what cannot be made can still be taken out of a recipe that came from elsewhere
            chip.setEnabled(is_chosen or (is_possible and not problems))
            chip.setToolTip(plain_tip("\n".join([precision_help(precision), *problems])))
        lines = [
            tr("{precision}: {words}", precision=precision_text(each), words=text)
            for each, text in view.expected.items()
        ]
        _say(self._lines, "\n".join(lines))
        _say(self._problems, "\n".join(self._sentences(chosen=True)))
        limits = self._sentences(chosen=False)
        _say(self._limits, "\n".join([tr("What it cannot do with this model:"), *limits]) if limits else "")
        _say(self._findings, "\n".join(view.findings))
        self._to_model.setVisible(bool(view.findings))
        self._fold.setVisible(is_on and bool(self._effective()))
        self._show_options()

    def _make_form(self) -> ParameterForm:
        name = self._target.name
        self._form = ParameterForm(self._target.parameters, {}, owner=name)
        self._form.changed.connect(lambda option, value: self.option_wanted.emit(name, option, value))
        self._show_options()
        return self._form

    def _show_options(self) -> None:
        if self._form is not None:
            self._form.set_values(self._view.options)
            effective = self._effective()
            for parameter in self._target.parameters:
                self._form.set_shown(parameter.name, parameter.name in effective)

    def _effective(self) -> set[str]:
        """Return the options that have an effect on one of the chosen files."""
        return {
            parameter.name
            for parameter in self._target.parameters
            if not parameter.precisions or set(parameter.precisions) & set(self._view.precisions)
        }

    def _sentences(self, *, chosen: bool) -> list[str]:
        """Return what speaks against the chosen files, or against the others: each sentence once."""
        if self._target.unavailable:
            return [tr("Cannot be made here. {reason}", reason=self._target.unavailable)] if chosen else []
        by_sentence: dict[str, list[Precision]] = {}
        for precision, sentences in self._view.problems.items():
            if (precision in self._view.precisions) is chosen:
                for sentence in sentences:
                    by_sentence.setdefault(sentence, []).append(precision)
        return [
            tr("{precision}: {words}", precision=", ".join(map(precision_text, precisions)), words=sentence)
            for sentence, precisions in by_sentence.items()
        ]

    def _chip(self, precision: Precision) -> QPushButton:
        text = precision_text(precision)
        chip = QPushButton(text)
        chip.setObjectName(f"target-{self._target.name}-{precision}")
        chip.setProperty("role", "chip")
        chip.setCheckable(True)
        chip.setAccessibleName(tr("{target} in {precision}", target=self._target.title, precision=text))
        chip.setAccessibleDescription(precision_help(precision))
        chip.clicked.connect(self._choose)
        return chip

    def _choose(self) -> None:
        chosen = tuple(precision for precision, chip in self._chips.items() if chip.isChecked())
        self.precisions_wanted.emit(self._target.name, chosen)

    def _turn(self, is_on: bool) -> None:
        usual = _USUAL.get(self._target.name, _USUAL_ON_PHONES)
        self.precisions_wanted.emit(self._target.name, (usual,) if is_on else ())


def _say(label: QLabel, text: str) -> None:
    label.setText(text)
    label.setVisible(bool(text))
