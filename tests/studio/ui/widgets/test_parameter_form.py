"""A form from descriptions: a control per kind, changes by people only, sentences at the fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QCheckBox, QComboBox, QDoubleSpinBox, QLineEdit, QSpinBox

from converters.parameters import Parameter, Value
from studio.catalogue import catalogue
from studio.ui.widgets.parameter_form import ParameterForm, readable

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

PARAMETERS = (
    Parameter("image_inputs", False, "Take pictures."),
    Parameter("palette_bits", 6, "Bits of each weight.", choices=(2, 4, 6)),
    Parameter("weight_block", 0, "Weights that share a scale.", minimum=0, maximum=1024),
    Parameter("percentile", 99.99, "Part of all values.", minimum=50.0, maximum=100.0, unit="%"),
    Parameter("layers", "", "Rules for some layers."),
)


@pytest.fixture
def form(qtbot: QtBot) -> ParameterForm:
    made = ParameterForm(PARAMETERS, {"weight_block": 32}, owner="mnn")
    made.heard = []  # type: ignore[attr-defined]
    made.changed.connect(lambda name, value: made.heard.append((name, value)))  # type: ignore[attr-defined]
    qtbot.addWidget(made)
    made.show()
    qtbot.waitExposed(made)
    return made


def heard(form: ParameterForm) -> list[tuple[str, Value]]:
    return form.heard  # type: ignore[attr-defined, no-any-return]


def test_each_kind_of_parameter_has_its_control_with_name_help_and_limits(form: ParameterForm) -> None:
    kinds = [QCheckBox, QComboBox, QSpinBox, QDoubleSpinBox, QLineEdit]
    for parameter, kind in zip(PARAMETERS, kinds, strict=True):
        control = form.control(parameter.name)
        assert isinstance(control, kind)
        assert control.objectName() == f"parameter-mnn-{parameter.name}"
        assert control.accessibleName() == readable(parameter.name)
        assert control.toolTip().startswith(parameter.help)
    block = form.findChild(QSpinBox, "parameter-mnn-weight_block")
    assert (block.minimum(), block.maximum(), block.value()) == (0, 1024, 32)
    assert form.findChild(QDoubleSpinBox, "parameter-mnn-percentile").text() == "99.99 %"
    assert form.values == {
        "image_inputs": False,
        "palette_bits": 6,
        "weight_block": 32,
        "percentile": 99.99,
        "layers": "",
    }


def test_people_are_heard_in_plain_values(form: ParameterForm, qtbot: QtBot) -> None:
    qtbot.mouseClick(form.control("image_inputs"), Qt.MouseButton.LeftButton, pos=QPoint(8, 8))
    qtbot.keyClick(form.control("palette_bits"), Qt.Key.Key_Up)
    block = form.control("weight_block")
    block.setFocus()
    qtbot.keyClick(block, Qt.Key.Key_Up)
    percentile = form.control("percentile")
    percentile.selectAll()  # type: ignore[attr-defined]
    qtbot.keyClicks(percentile, "99.5")
    qtbot.keyClick(percentile, Qt.Key.Key_Return)
    qtbot.keyClicks(form.control("layers"), "Conv=w8a8")
    assert heard(form)[-1] == ("percentile", 99.5)  # a text counts when it is finished
    qtbot.keyClick(form.control("layers"), Qt.Key.Key_Return)
    assert heard(form)[0] == ("image_inputs", True)
    assert heard(form)[1] == ("palette_bits", 4)
    assert heard(form)[2][0] == "weight_block"
    assert heard(form)[-1] == ("layers", "Conv=w8a8")
    assert len(heard(form)) == 5
    assert form.values["layers"] == "Conv=w8a8"


def test_values_that_are_set_make_no_echo(form: ParameterForm) -> None:
    form.set_values(
        {"image_inputs": True, "palette_bits": 2, "weight_block": 64, "percentile": 99.12345, "layers": "first=float"}
    )
    assert heard(form) == []
    assert form.control("percentile").text() == "99.12345 %"  # type: ignore[attr-defined]
    assert form.control("palette_bits").currentText() == "2"  # type: ignore[attr-defined]
    form.set_values({})
    assert form.values == {parameter.name: parameter.default for parameter in PARAMETERS}
    assert heard(form) == []


def test_what_is_typed_outside_the_limits_is_said_at_the_field_and_not_taken(form: ParameterForm, qtbot: QtBot) -> None:
    block = form.control("weight_block")
    block.selectAll()  # type: ignore[attr-defined]
    qtbot.keyClicks(block, "5000")
    assert form.problem("weight_block") == "mnn: weight_block must lie between 0 and 1024, not 5000."
    block.clearFocus()
    qtbot.keyClick(block, Qt.Key.Key_Return)
    assert form.values["weight_block"] == 32
    assert heard(form) == []
    assert form.problem("weight_block") == ""
    assert block.text() == "32"  # type: ignore[attr-defined]


def test_a_value_that_does_not_fit_is_said_at_its_field(form: ParameterForm) -> None:
    form.set_values({"palette_bits": 5, "weight_block": 2000})
    assert form.problem("palette_bits").startswith("mnn: palette_bits cannot be 5.")
    assert "must lie between" in form.problem("weight_block")
    form.set_values({"palette_bits": 4})
    assert form.problem("palette_bits") == form.problem("weight_block") == ""
    assert form.control("palette_bits").currentData() == 4  # type: ignore[attr-defined]


def test_every_parameter_of_the_engine_gets_a_control_and_some_can_be_picked(qtbot: QtBot) -> None:
    offer = catalogue()
    for owner in (*offer.targets, *offer.steps):
        form = ParameterForm(owner.parameters, {})
        qtbot.addWidget(form)
        assert form.values == {parameter.name: parameter.default for parameter in owner.parameters}
    picked = ParameterForm(offer.step("quantize").parameters, {}, names=("policy", "scheme"))
    qtbot.addWidget(picked)
    assert list(picked.values) == ["policy", "scheme"]
