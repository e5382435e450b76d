"""How a swapper learns whose face is to appear: the vector or picture it takes as its source, as plain data."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from converters.errors import BadInputError
from converters.face.align import TEMPLATES
from converters.face.emap import read_emap
from converters.face.swap.conventions import convention_of
from converters.face.swap.opening import is_of_the_demo_swapper
from converters.model.signature import ColourOrder, Role, Signature, TensorInfo
from converters.package.feeding import Fed, Feeding

MAY_LACK_EMAP = "inswapper_like"
"""The family whose files take the unit embedding where they carry no matrix."""
RECOGNISER_TEMPLATE = "arcface_112_v2"
_RECOGNISER_SIDE = 112


@dataclass(frozen=True)
class EmapFile:
    """The matrix that the host multiplies embeddings by.

    Attributes:
        file: its name in the package, a .npy of float32 in C order.
        rows, columns: embedding width, latent width.
        offset: the byte at which the numbers begin, little endian.
    """

    file: str
    rows: int
    columns: int
    offset: int


@dataclass(frozen=True)
class SourceInput:
    """How a swapper's `source` is made.

    Attributes:
        input: its name in the files.
        rule: "emap": unit embedding times the matrix; "unit": unit embedding; "raw": embedding as it is;
            "picture": an aligned picture of the other face.
        converter: family of the network that the raw embedding goes through first, "" for none. It is not in the
            package.
        recogniser: what makes the embedding, in words; "" where the source is a picture.
        width: numbers of the vector, 0 for a picture.
        emap: the matrix; None where the rule needs none, or it was not found.
        template: of the source picture's or the recogniser's crop.
        side: of that crop, pixels.
    """

    input: str
    rule: str
    converter: str
    recogniser: str
    width: int
    emap: EmapFile | None
    template: str
    side: int

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)


def source_input(feeding: Feeding, emap: Path | None) -> SourceInput | None:
    """Return how the source is made; None where the model is no swapper.

    Args:
        feeding: of any of the files.
        emap: the matrix in the package, None for none.

    Raises:
        UnsupportedError: the file's inputs are not those of its family.
        BadInputError: the matrix is damaged, or does not fit.
    """
    known = feeding.known_family
    if known is None or known.kind != "swapper":
        return None
    convention = convention_of(_signature(feeding), feeding.family, feeding.file)
    source = next(fed for fed in feeding.inputs if fed.graph_name == convention.source.name)
    if convention.source_template:
        return SourceInput(source.name, "picture", "", "", 0, None, convention.source_template, source.width)
    rule = "emap" if convention.emap else "unit" if convention.unit else "raw"
    if rule == "emap" and emap is None and feeding.family == MAY_LACK_EMAP:
        rule = "unit"
    matrix = _matrix(emap, source.count) if emap is not None and rule == "emap" else None
    is_demo = is_of_the_demo_swapper({feeding.source_sha256}, {}) or feeding.family == "demo_swapper"
    recogniser = (
        "the demo embedder (resources/demo/embedder.onnx of FaceFusion Mobile Studio)"
        if is_demo
        else "ArcFace w600k_r50 (arcface_w600k_r50.onnx of FaceFusion, w600k_r50.onnx of InsightFace; non-commercial)"
    )
    return SourceInput(
        source.name, rule, convention.converter, recogniser, source.count, matrix, RECOGNISER_TEMPLATE, _RECOGNISER_SIDE
    )


def landmarks_in(template: str, width: int, height: int) -> list[tuple[float, float]]:
    """Return where five points (eyes, nose, mouth corners, left before right) lie in a crop, pixels; [] if unknown."""
    if template not in TEMPLATES:
        return []
    return [(round(float(x) * width, 3), round(float(y) * height, 3)) for x, y in TEMPLATES[template]]


def _signature(feeding: Feeding) -> Signature:
    return Signature(tuple(map(_tensor, feeding.inputs)), tuple(map(_tensor, feeding.outputs)))


def _tensor(fed: Fed) -> TensorInfo:
    """Return a tensor as it is in the graph, not in the file."""
    places = [fed.layout.index(letter) for letter in "NCHW"] if fed.is_picture else range(len(fed.shape))
    shape = tuple(fed.shape[place] for place in places)
    colour = ColourOrder(fed.colour) if fed.colour else None
    return TensorInfo(fed.graph_name, shape, "float32", Role(fed.role), "NCHW" if fed.is_picture else "", colour)


def _matrix(path: Path, width: int) -> EmapFile:
    rows, columns = read_emap(path).shape
    if columns != width:
        raise BadInputError(
            f"{path.name} gives {columns} numbers, the model takes {width}.",
            "It belongs to another model.",
            "Convert the model again, so that the matrix lies beside its files.",
        )
    return EmapFile(path.name, rows, columns, path.stat().st_size - 4 * rows * columns)
