"""Any file a person drops -> a Model, safely."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from converters.builtin import DEMO_NAME, DEMO_SWAPPER
from converters.errors import BadInputError, OtherContentsError, StudioError, UnsupportedError
from converters.model.archive import files_below, unpacked
from converters.model.graph import Model, SourceInfo
from converters.model.graph_checks import (
    check_names,
    check_operators,
    check_tensors,
    check_versions,
    drop_initializers_from_inputs,
    inline_functions,
    sort_nodes,
)
from converters.model.onnx_file import read_onnx
from converters.model.sniffing import SourceKind, open_source, sniff, split_factory, stat_of
from converters.model.static_shapes import check_by_onnx, check_edges, fix_inputs, infer_shapes
from converters.model.tensor_dims import dims_of, is_static_dims
from converters.progress import Progress

if TYPE_CHECKING:
    import onnx

__all__ = ["SourceKind", "load", "sniff"]

Shapes = Mapping[str, tuple[int, ...]]

_NO_SHAPES: Shapes = MappingProxyType({})
_SILENT = Progress()


def load(
    path: Path | str,
    *,
    shapes: Shapes = _NO_SHAPES,
    trust: bool = False,
    sha256: str = "",
    progress: Progress = _SILENT,
) -> Model:
    """Load a model file of any supported kind; the kind is told by its content.

    Args:
        path: a file or folder, `file.py:factory`, or `demo` for the built-in swapper.
        shapes: sizes of inputs by name, for dynamic axes; what is not given comes from the family, or is a batch of 1.
        trust: allow files that run code when opened (TorchScript, exported programs, Python factories).
        sha256: of the only contents that are accepted, "" for any. A file that runs code is compared before it does:
            trust in a file is trust in what it held when that was said.
        progress: told about stages; may cancel.

    Returns:
        A self-contained, checked graph with static shapes.

    Raises:
        BadInputError: missing, damaged, or no model.
        OtherContentsError: its contents are not those of `sha256`.
        UnsafeInputError: it would run code or reach outside its folder.
        UnsupportedError: outside what this program can do.
        UsageError: sizes are needed or do not fit.
    """
    text = str(path)
    path = Path(path)
    factory = split_factory(text)
    if text == DEMO_NAME and not path.exists():
        return _demo(shapes, sha256, progress)
    if factory is not None and not path.exists():
        return _from_factory(*factory, shapes, trust, sha256, progress)
    kind = sniff(path)
    if kind is SourceKind.FOLDER:
        return _load_file(_only_model(path, path.name), shapes, trust, sha256, progress)
    if kind is SourceKind.ZIP:
        info = _fingerprint(path, kind)
        _require_contents(info, sha256)
        with _unpacked_model(path, progress) as inner:
            return _load_file(inner, shapes, trust, "", progress, info)
    return _load_file(path, shapes, trust, sha256, progress)


def _load_file(
    path: Path, shapes: Shapes, trust: bool, sha256: str, progress: Progress, archive: SourceInfo | None = None
) -> Model:
    kind = sniff(path)
    name = path.name
    notes: list[str] = [f"Taken from {archive.name}: {name}."] if archive else []
    if kind is SourceKind.ONNX:
        read = read_onnx(path, progress)
        proto = read.proto
        info = SourceInfo(name, kind.value, read.sha256, read.size)
        _require_contents(info, sha256)
    else:
        info = _fingerprint(path, kind)
        _require_contents(info, sha256)  # before it may run code
        proto, more = _from_torch(path, kind, shapes, trust, progress)
        notes += more
    if archive:
        info = SourceInfo(archive.name, kind.value, archive.sha256, archive.size)
    return finish(proto, info, shapes, notes, progress)


def finish(
    proto: onnx.ModelProto, info: SourceInfo, shapes: Shapes, notes: list[str], progress: Progress = _SILENT
) -> Model:
    """Check a graph, fix its shapes and say what it is. The graph is changed in place.

    Raises:
        StudioError: as `load` does.
    """
    from converters.model.understand import default_shapes, describe

    name = info.name
    progress("Checking the graph")
    check_versions(proto, name)
    check_tensors(proto, name)
    proto, more = inline_functions(proto, name)
    notes = [*notes, *more, *check_operators(proto, name), *drop_initializers_from_inputs(proto)]
    check_edges(proto, name)
    check_names(proto, name)
    notes += sort_nodes(proto, name)
    check_by_onnx(proto, name)
    declared = {value.name: dims_of(value) for value in proto.graph.input}
    open_axes = {tensor: dims for tensor, dims in declared.items() if not is_static_dims(dims)}
    notes += fix_inputs(proto, shapes, default_shapes(proto) if open_axes else {}, name)
    progress("Inferring shapes", 0.5)
    notes += infer_shapes(proto, name)
    check_edges(proto, name)
    progress("Recognising the model", 0.8)
    signature, family = describe(proto)
    return Model(proto, signature, family, info, tuple(notes), open_axes=open_axes)


def _from_torch(
    path: Path, kind: SourceKind, shapes: Shapes, trust: bool, progress: Progress
) -> tuple[onnx.ModelProto, list[str]]:
    from converters.model import trusted
    from converters.model.checkpoint import read_checkpoint, read_safetensors
    from converters.model.network import graph_from_network, graph_from_state

    if kind is SourceKind.STATE_DICT:
        return graph_from_state(read_checkpoint(path, progress), shapes, path.name, progress)
    if kind is SourceKind.SAFETENSORS:
        return graph_from_state(read_safetensors(path), shapes, path.name, progress)
    if kind is SourceKind.TORCHSCRIPT:
        trusted.require_trust(trust, path.name, "a TorchScript program")
        opened = trusted.open_torchscript(path, shapes, progress)
    elif kind is SourceKind.EXPORTED_PROGRAM:
        trusted.require_trust(trust, path.name, "an exported PyTorch program (.pt2)")
        opened = trusted.open_exported_program(path, shapes, progress)
    else:
        raise UnsupportedError(f"{path.name} is an archive inside an archive.", "", "Unpack the outer one first.")
    return graph_from_network(opened.module, opened.inputs, (), progress), ["Opened on your word that it is trusted."]


def _from_factory(file: Path, function: str, shapes: Shapes, trust: bool, sha256: str, progress: Progress) -> Model:
    from converters.model import trusted
    from converters.model.network import graph_from_network

    stat_of(file)
    trusted.require_trust(trust, f"{file.name}:{function}", "Python code")
    info = _fingerprint(file, SourceKind.FACTORY)
    _require_contents(info, sha256)  # before its code runs
    opened = trusted.call_factory(file, function, shapes, progress)
    proto = graph_from_network(opened.module, opened.inputs, (), progress)
    return finish(proto, info, _NO_SHAPES, ["Built by code that you trust."], progress)


def _demo(shapes: Shapes, sha256: str, progress: Progress) -> Model:
    if not DEMO_SWAPPER.is_file():
        raise BadInputError("The built-in demo model is missing.", "", "Install the program again.")
    read = read_onnx(DEMO_SWAPPER, progress)
    info = SourceInfo(DEMO_NAME, SourceKind.ONNX.value, read.sha256, read.size)
    _require_contents(info, sha256)
    return finish(read.proto, info, shapes, [], progress)


def _fingerprint(path: Path, kind: SourceKind) -> SourceInfo:
    digest = hashlib.sha256()
    with open_source(path) as file:
        while block := file.read(1024**2):
            digest.update(block)
    return SourceInfo(path.name, kind.value, digest.hexdigest(), path.stat().st_size)


def _require_contents(info: SourceInfo, sha256: str) -> None:
    if sha256 and info.sha256 != sha256:
        raise OtherContentsError(
            f"{info.name} is not the file that this was set up for.",
            "Its contents have changed, or it is another file of the same name.",
            "Put the former file back, or open this one anew.",
        )


@contextmanager
def _unpacked_model(path: Path, progress: Progress) -> Iterator[Path]:
    with unpacked(path, progress) as folder:
        yield _only_model(folder, path.name)


def _only_model(folder: Path, name: str) -> Path:
    """Return the one model file in a folder.

    Raises:
        BadInputError: none or several.
        UnsupportedError: it is another program's model folder.
    """
    files = files_below(folder)
    relative = {file: file.relative_to(folder).as_posix() for file in files}
    for other, what in (
        ("saved_model.pb", "a TensorFlow SavedModel"),
        ("Manifest.json", "a Core ML package, which is a result of conversion and not a source"),
    ):
        if any(text.rpartition("/")[2] == other for text in relative.values()):
            raise UnsupportedError(f"{name} is {what}.", "", "Give the ONNX or PyTorch model it was made from.")
    models = []
    for file in files:
        try:
            kind = sniff(file)
        except StudioError:
            continue  # a readme, a picture, external weights: not every file of a folder is the model
        if kind is not SourceKind.ZIP:
            models.append(file)
    if len(models) == 1:
        return models[0]
    if not models:
        listed = ", ".join(list(relative.values())[:6]) or "nothing that can be read (links are not followed)"
        raise BadInputError(f"{name} holds no model.", f"It holds {listed}.", "Give the model file itself.")
    listed = ", ".join(relative[model] for model in models[:6])
    raise BadInputError(f"{name} holds {len(models)} models: {listed}.", "", "Give one of these files.")
