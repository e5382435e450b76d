"""The panel of the simulated phone: its choice goes to the preview, what it shows is labelled and sourced."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QCheckBox, QComboBox, QLabel, QPlainTextEdit, QToolButton, QWidget

from converters.preview.messages import FrameReport, PhoneReport
from converters.preview.phone.profiles import profile_of, profiles
from converters.preview.phone.simulator import PhoneSimulator
from studio.preview.mailbox import LiveFrame
from studio.preview.previewing import Previewing, previewing
from studio.ui.widgets.phone_panel import _SILENT, REFRESH_MILLISECONDS, PhonePanel
from studio.ui.widgets.phone_words import assumption_words
from studio.ui.widgets.temperature_bar import TemperatureBar
from studio.ui.workbench import Workbench

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

GPU = "galaxy-s23/gpu"
Part = TypeVar("Part", bound=QWidget)


def frame_with(phone: PhoneReport | None) -> LiveFrame:
    report = FrameReport(
        memory="",
        slot=0,
        identity=0,
        size=(4, 4),
        full_size=(4, 4),
        taken=0.0,
        said=0.0,
        position=0.0,
        index=0,
        name="",
        seconds={},
        faces=(),
        found=0,
        remark="",
        map=None,
        figures={},
        dropped=0,
        phone=phone,
    )
    return LiveFrame(0, QImage(), QImage(), None, (4, 4), report)


def report_of(choice: str, **changed: object) -> PhoneReport:
    report = PhoneSimulator(profile_of(choice), 14_000_000_000, "fp32", is_throttled=True).advance(0.0)
    return replace(report, **changed)  # type: ignore[arg-type]


@pytest.fixture
def preview(bench: Workbench) -> Previewing:
    return previewing(bench)


@pytest.fixture
def panel(qtbot: QtBot, preview: Previewing) -> PhonePanel:
    made = PhonePanel(preview)
    qtbot.addWidget(made)
    made.resize(300, 320)
    made.show()
    qtbot.waitExposed(made)
    return made


def part(panel: PhonePanel, kind: type[Part], name: str) -> Part:
    found = panel.findChild(kind, name)
    assert found is not None, name
    return found


def label(panel: PhonePanel, name: str) -> str:
    return part(panel, QLabel, name).text()


def choose(panel: PhonePanel, name: str, data: str) -> None:
    box = part(panel, QComboBox, name)
    box.setCurrentIndex(box.findData(data))


def later(qtbot: QtBot, panel: PhonePanel) -> None:
    """Wait until the panel looks at numbers again."""
    since = panel._since
    qtbot.waitUntil(lambda: not since.isValid() or since.elapsed() >= REFRESH_MILLISECONDS)


def test_without_a_phone_there_is_a_choice_and_nothing_else(panel: PhonePanel) -> None:
    devices = part(panel, QComboBox, "phone-device")
    assert [devices.itemText(at) for at in range(1, devices.count())] == [profile.title for profile in profiles()]
    assert devices.currentData() == ""
    assert part(panel, QLabel, "phone-simulated").isVisible()
    for name in ("phone-unit", "phone-temperature", "phone-time", "phone-gives-way", "phone-sources"):
        assert not part(panel, QWidget, name).isVisible(), name


def test_what_is_chosen_is_told_and_kept(panel: PhonePanel, preview: Previewing, qtbot: QtBot) -> None:
    choose(panel, "phone-device", "galaxy-s23")
    assert (preview.phone, preview.is_throttled) == ("galaxy-s23", True)
    units = part(panel, QComboBox, "phone-unit")
    assert [units.itemData(at) for at in range(units.count())] == ["", "cpu", "gpu", "npu"]
    choose(panel, "phone-unit", "gpu")
    assert preview.phone == GPU
    qtbot.mouseClick(part(panel, QCheckBox, "phone-gives-way"), Qt.MouseButton.LeftButton)
    assert (preview.phone, preview.is_throttled) == (GPU, False)
    again = PhonePanel(preview)
    qtbot.addWidget(again)
    assert part(again, QComboBox, "phone-device").currentData() == "galaxy-s23"
    assert part(again, QComboBox, "phone-unit").currentData() == "gpu"
    assert not part(again, QCheckBox, "phone-gives-way").isChecked()
    choose(panel, "phone-device", "pixel-8")
    assert preview.phone == "pixel-8"
    assert part(again, QComboBox, "phone-unit").currentData() == "npu"  # its only one
    choose(panel, "phone-device", "")
    assert preview.phone == ""


def test_it_shows_what_the_phone_does(panel: PhonePanel, preview: Previewing, qtbot: QtBot) -> None:
    choose(panel, "phone-device", "galaxy-s23")
    choose(panel, "phone-unit", "gpu")
    assert {label(panel, f"phone-{name}") for name in ("time", "rate", "size")} == {"–"}
    cool = report_of(GPU)
    preview.framed.emit(frame_with(cool))
    assert label(panel, "phone-time").startswith(f"{cool.milliseconds:.0f} ms (")
    assert label(panel, "phone-rate") == "30 of 30"
    assert label(panel, "phone-size") == "the whole picture"
    bar = part(panel, TemperatureBar, "phone-temperature")
    assert (bar.text, bar.passed) == ("30.0 °C", 0)
    warm = replace(cool, temperature=43.21, rate=15.0, scale=0.75, is_throttling=True)
    preview.framed.emit(frame_with(warm))
    assert label(panel, "phone-rate") == "30 of 30"  # too soon for anybody to have read it
    later(qtbot, panel)
    preview.framed.emit(frame_with(warm))
    assert (label(panel, "phone-rate"), label(panel, "phone-size")) == ("15 of 30", "75 % of its sides")
    assert (bar.text, bar.passed) == ("43.2 °C", 2)
    assert "Too warm" in label(panel, "phone-state")
    assert part(panel, QLabel, "phone-simulated").isVisible()
    later(qtbot, panel)
    preview.framed.emit(frame_with(replace(warm, is_slower_here=True)))
    assert "slower than the phone" in label(panel, "phone-state")


def test_the_numbers_of_another_phone_are_not_shown(panel: PhonePanel, preview: Previewing) -> None:
    choose(panel, "phone-device", "pixel-7")
    for _ in range(_SILENT - 1):
        preview.framed.emit(frame_with(report_of(GPU)))
    assert label(panel, "phone-rate") == "–"
    assert label(panel, "phone-state") == ""
    preview.framed.emit(frame_with(None))
    assert "Nothing was published" in label(panel, "phone-state")
    preview.framed.emit(frame_with(report_of("pixel-7")))
    assert label(panel, "phone-rate").endswith("of 30")


def test_every_source_and_assumption_can_be_read(panel: PhonePanel, qtbot: QtBot) -> None:
    choose(panel, "phone-device", "pixel-4")
    button = part(panel, QToolButton, "phone-sources-button")
    assert button.focusPolicy() & Qt.FocusPolicy.TabFocus
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    text = part(panel, QPlainTextEdit, "phone-sources-text")
    profile = profile_of("pixel-4")
    for told in (text.toPlainText(), part(panel, QComboBox, "phone-device").toolTip()):
        for source in profile.sources:
            assert source.address in told
            assert source.read[:20] in told
        for words in assumption_words().values():
            assert words in told
    choose(panel, "phone-device", "iphone-12-pro-max")
    assert "FastViT" in text.toPlainText()
    assert "EfficientNet" not in text.toPlainText()


def test_the_window_has_words_for_each_assumption_of_the_table() -> None:
    assert assumption_words() == {item.identity: item.text for item in profiles()[0].assumptions}


def test_the_time_says_what_it_rests_on(panel: PhonePanel, preview: Previewing) -> None:
    choose(panel, "phone-device", "pixel-7")
    preview.framed.emit(frame_with(report_of("pixel-7")))
    tip = part(panel, QLabel, "phone-time").toolTip()
    assert "16-bit floats" in tip
    assert "MNv4-Conv-L: 5.9 G multiply-accumulates, 37.6 ms" in tip


def test_everything_has_a_name_and_a_tip(panel: PhonePanel) -> None:
    choose(panel, "phone-device", "galaxy-s23")
    for kind in (QComboBox, QCheckBox, QToolButton):
        for control in panel.findChildren(kind):
            assert control.objectName()
            assert control.accessibleName()
            assert control.toolTip()
