"""The parts of a report: pictures within a budget, heat maps, plots."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Mapping
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from PIL import Image

from converters.compare_report.charts import WIDTH, distribution, left_out
from converters.compare_report.encoding import (
    LEAST_HIGHEST,
    encode,
    encode_heat,
    encode_small,
    highest_of,
    over,
    palette,
)
from converters.measure.wording import Value
from tests.measure.drawn import noisy, portrait


def decoded(uri: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))


def test_pictures_that_fit_are_exact() -> None:
    pictures = {"a": portrait(1), "b": portrait(2)}
    encoded = encode(pictures)
    assert "exact (PNG)" in encoded.note
    for key, picture in pictures.items():
        assert encoded.uris[key].startswith("data:image/png;base64,")
        assert np.array_equal(np.asarray(decoded(encoded.uris[key])), picture)
    assert not np.array_equal(np.asarray(decoded(encoded.uris["a"])), pictures["b"])


def test_pictures_that_do_not_fit_are_compressed_and_the_page_says_so() -> None:
    pictures = {"a": noisy(portrait(1, 600), 25)}
    exact = len(encode(pictures).uris["a"]) * 3 // 4
    smaller = encode(pictures, budget=exact // 4)
    assert "compressed" in smaller.note
    assert smaller.uris["a"].startswith("data:image/webp;base64,")
    assert len(smaller.uris["a"]) * 3 // 4 <= exact // 4 + 3
    tiny = decoded(encode(pictures, budget=10).uris["a"])
    assert max(tiny.size) == 256


def test_no_pictures_need_no_note() -> None:
    assert encode({}).note == ""


def test_thumbnails_are_small() -> None:
    assert max(decoded(encode_small(portrait(1, 300), 76)).size) == 76


def test_heat_is_transparent_where_nothing_differs() -> None:
    heat = np.zeros((40, 60), np.float32)
    heat[10:20, 30:50] = 0.5
    image = decoded(encode_heat(heat, 0.5)).convert("RGBA")
    assert image.size == (60, 40)
    pixels = np.asarray(image)
    assert pixels[0, 0, 3] == 0
    assert pixels[15, 40, 3] == 255
    assert tuple(pixels[15, 40, :3]) == tuple(palette()[255])
    assert np.asarray(decoded(encode_heat(heat, 5.0)).convert("RGBA"))[15, 40, 3] < 255


def test_large_heat_maps_are_shrunk() -> None:
    assert decoded(encode_heat(np.ones((100, 1000), np.float32), 1.0)).size == (256, 26)


def test_heat_over_a_picture_changes_only_hot_places() -> None:
    heat = np.zeros((128, 128), np.float32)
    heat[:64] = 1
    drawn = over(portrait(), heat, 1.0, 1.0)
    assert np.array_equal(drawn[64:], portrait()[64:])
    assert (drawn[:64] == palette()[255]).all()
    assert np.array_equal(over(portrait(), heat, 1.0, 0.0), portrait())


def test_the_lightest_colour_is_nearly_the_largest_value() -> None:
    heat = np.linspace(0, 2, 10_000, dtype=np.float32).reshape(100, 100)
    assert highest_of([heat, heat * 0.1]) == pytest.approx(2, rel=0.01)
    # nothing that no one sees is drawn in a light colour
    assert highest_of([]) == highest_of([heat * 1e-4]) == LEAST_HIGHEST == 0.05


VALUES: dict[str, Mapping[str, Value]] = {
    "many": {f"{number}.png": 0.01 + number**2 / 1e4 for number in range(60)},
    "one": {"only": 0.3},
    "equal ones": {f"{number}": 1.0 for number in range(30)},
    "negative": {"a": -0.3, "b": 0.2, "c": None},
    "tiny": {"a": 1e-7, "b": 3e-7},
    "zero": {"a": 0.0},
    "large": {"a": 61.2, "b": 58.9},
}


@pytest.mark.parametrize("name", VALUES)
def test_plots_are_drawings_with_a_dot_per_picture(name: str) -> None:
    text = distribution("lpips", [(0, "a.mnn", VALUES[name])])
    root = ET.fromstring(text)
    dots = root.findall(".//circle")
    assert len(dots) == sum(value is not None for value in VALUES[name].values())
    height = float(root.attrib["viewBox"].split()[3])
    for dot in dots:
        assert 0 <= float(dot.attrib["cx"]) <= WIDTH
        assert 0 <= float(dot.attrib["cy"]) <= height
    labels = [text.text for text in root.findall(".//text") if text.text and "%" not in text.text]
    assert len(labels) == len(set(labels))
    assert len(labels) >= 2
    across = [float(dot.attrib["cx"]) for dot in dots]
    titles = [title.text or "" for title in root.findall(".//circle/title")]
    assert len(set(titles)) == len(titles)
    assert across == sorted(across)


def test_plots_place_values_on_their_axis() -> None:
    root = ET.fromstring(distribution("lpips", [(0, "a", {"low": 0.0, "middle": 0.5, "high": 1.0})]))
    low, middle, high = (float(dot.attrib["cx"]) for dot in root.findall(".//circle"))
    assert middle == pytest.approx((low + high) / 2, abs=0.1)
    ticks = {text.text: float(text.attrib["x"]) for text in root.findall(".//text")}
    assert ticks["0.0"] == pytest.approx(low, abs=0.1)
    assert ticks["1.0"] == pytest.approx(high, abs=0.1)


def test_plots_escape_names_and_leave_out_what_is_not_finite() -> None:
    text = distribution("psnr", [(0, "a", {"<b>&": 40.0, "equal": "equal"}), (7, "b", {"equal": "equal"})])
    assert "<b>" not in text
    assert "&lt;b&gt;&amp;: 40.0 dB" in text
    assert ET.fromstring(text) is not None
    assert distribution("psnr", [(0, "a", {"equal": "equal"})]) == ""


def test_shares_are_of_all_pictures_and_what_is_left_out_is_said() -> None:
    def heights(values: Mapping[str, Value]) -> list[float]:
        path = ET.fromstring(distribution("psnr", [(0, "a", values)])).find(".//path")
        assert path is not None
        return [float(height) for height in re.findall(r"(?:M[\d.]+,|V)([\d.]+)", path.attrib["d"])]

    bottom, middle, top = heights({"a": 30.0, "b": 40.0})
    assert middle == pytest.approx((bottom + top) / 2)
    values: dict[str, Value] = {"broken": None, "a": 30.0, "b": 40.0, "equal": "equal"}
    quarters = [bottom + (top - bottom) * share for share in (0.25, 0.5, 0.75)]
    assert heights(values) == pytest.approx(quarters)
    assert left_out([(0, "a.mnn", values), (1, "b.mnn", {"a": 1.0})]) == "a.mnn: 1 equal, 1 not finite, not shown."
    assert left_out([(0, "a.mnn", {"a": 1.0})]) == ""


def test_rows_of_several_candidates_have_colours_of_their_own() -> None:
    values = {"a": 0.1, "b": 0.2}
    text = distribution("lpips", [(0, "one", values), (1, "two", values)])
    assert set(re.findall(r'class="dot (series\d)"', text)) == {"series0", "series1"}
