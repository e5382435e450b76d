"""What a chosen file says of itself, read without running it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from converters.errors import BadInputError
from converters.package.feeding import Feeding, feeding_of
from converters.targets.metadata import METADATA_KEY, ArtifactMetadata


def describe(path: Path, target: str) -> Feeding:
    """Return how a file is fed.

    Args:
        path: the file or package.
        target: what made it.

    Raises:
        BadInputError: it is damaged, or does not say how it is fed.
        UnsafeInputError: a package that reaches outside its folder.
    """
    text, pictures = _READERS[target](path)
    metadata = ArtifactMetadata.from_text(text)
    if metadata is None:
        raise BadInputError(
            f"{path.name} does not say how it is fed.", "It was not made by this program.", "Convert the model again."
        )
    return feeding_of(path.name, target, metadata, pictures)


def _mnn(path: Path) -> tuple[str, tuple[str, ...]]:
    from converters.runtimes.mnn_file import read_outline

    return read_outline(path).business_code, ()


def _tflite(path: Path) -> tuple[str, tuple[str, ...]]:
    from converters.targets.tflite_file import read_outline

    return read_outline(path).metadata.get(METADATA_KEY, b"").decode("utf-8", errors="replace"), ()


def _onnx(path: Path) -> tuple[str, tuple[str, ...]]:
    import onnx
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    try:
        proto = onnx.load(str(path), load_external_data=False)
    except (OSError, DecodeError) as error:
        raise BadInputError(f"{path.name} is no readable .onnx file.", "", "Export it again.") from error
    return {entry.key: entry.value for entry in proto.metadata_props}.get(METADATA_KEY, ""), ()


def _coreml(path: Path) -> tuple[str, tuple[str, ...]]:
    from google.protobuf.message import DecodeError

    from converters.runtimes.mil.coremltools_import import coreml_schema
    from converters.runtimes.mil.package import open_package

    model: Any = coreml_schema().Model()
    try:
        model.ParseFromString(open_package(path).specification.read_bytes())
    except (OSError, DecodeError) as error:
        raise BadInputError(f"{path.name} is no readable Core ML package.", "", "Export it again.") from error
    pictures = tuple(item.name for item in model.description.input if item.type.WhichOneof("Type") == "imageType")
    return model.description.metadata.userDefined.get(METADATA_KEY, ""), pictures


_READERS = {"mnn": _mnn, "tflite": _tflite, "onnx": _onnx, "coreml": _coreml}
