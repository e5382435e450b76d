"""Open a swapper from its file, with what belongs to it: emap, the converter of embeddings, the recogniser."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Final

from converters.builtin import DEMO_EMBEDDER, DEMO_NAME, DEMO_SWAPPER
from converters.errors import BadInputError
from converters.face.emap import Emap, EmapRule, emap_for, read_emap
from converters.face.swap.session import SessionSwapper
from converters.fingerprints import sha256_of
from converters.model.families import family as family_called
from converters.opened import Opened, opened

EMBEDDER_KEY: Final = "ffstudio.embedder"
"""In `metadata_props` of a swapper's ONNX file: which recogniser it was trained with."""
_DEMO_FAMILY: Final = "demo_swapper"


@contextmanager
def open_swapper(
    model: Path | Opened,
    converter: Path | None = None,
    *,
    emap: Path | None = None,
    emap_rule: EmapRule = EmapRule.FACEFUSION,
    family: str = "",
    threads: int | None = None,
) -> Iterator[SessionSwapper]:
    """Open a swapper.

    Args:
        model: a file of any kind, or a model that is open already (and stays so).
        converter: the crossface network, for the families that need one.
        emap: the swapper it was published in, or the .npy beside converted files; found by itself where it lies beside
            them or in the file.
        emap_rule: whose arithmetic.
        family: what it is, whatever its file tells; "" to believe the file.
        threads: of the runtimes.

    Raises:
        StudioError: as `opened` and `SessionSwapper` do.
    """
    with ExitStack() as stack:
        found = model if isinstance(model, Opened) else stack.enter_context(opened(model, threads=threads))
        identifier = family or found.family
        known = family_called(identifier)
        matrix = None
        if known is not None and known.kind == "swapper" and known.embedding == "emap":
            matrix = read_emap(emap) if emap is not None else find_emap(replace(found, family=identifier))
        network = stack.enter_context(opened(converter, threads=threads)).session if converter is not None else None
        yield SessionSwapper(
            found.session,
            found.signature,
            identifier,
            emap=matrix,
            emap_rule=emap_rule,
            converter=network,
            name=found.name,
        )


def find_emap(model: Opened) -> Emap | None:
    """Return the emap that belongs to a model: in its graph, beside it, or the demo swapper's; None for none.

    A converted file that is fed as its original is has the original's `unread`.

    Raises:
        BadInputError: it is there and damaged.
    """
    if model.session.runtime == "onnx" or model.unread is not None:
        return emap_for(model.unread, [tensor.shape for tensor in model.signature.inputs], model.family)
    metadata = model.session.metadata
    name = metadata.source_name if metadata is not None else model.session.path.name
    beside = model.session.path.parent / f"{Path(name).stem}-emap.npy"
    if beside.is_file() and not beside.is_symlink():
        return read_emap(beside)
    is_demo = metadata is not None and metadata.source_sha256 == _demo_sha256()
    return read_emap(DEMO_SWAPPER) if is_demo else None


def is_demo_swapper(model: Opened) -> bool:
    """Whether a model was trained with the demo embedder: by its ONNX properties, or by what it was converted from.

    An artifact of a pruned or otherwise changed demo swapper that was saved in between is not told.
    """
    metadata = model.session.metadata
    origin = {model.sha256, metadata.source_sha256 if metadata else ""}
    return is_of_the_demo_swapper(origin, model.properties)


def is_of_the_demo_swapper(sha256: Collection[str], properties: Mapping[str, str]) -> bool:
    """Whether a file with one of these hashes, or an ONNX graph with these properties, is or was the demo swapper."""
    return _demo_sha256() in sha256 or properties.get(EMBEDDER_KEY) == DEMO_NAME


def embedder_for(model: Opened, given: Path | None = None) -> Path | None:
    """Return the recogniser that belongs to a swapper; None where it takes a picture and no embedding.

    Args:
        model: the swapper.
        given: the person's choice. It does not outweigh what the demo swapper says of itself; where only the structure
            is the demo swapper's, it does.

    Raises:
        BadInputError: this swapper needs a recogniser that does not come with the program.
    """
    if is_demo_swapper(model):
        return DEMO_EMBEDDER
    known = family_called(model.family)
    if known is not None and known.kind == "swapper" and not known.embedding:
        return None
    if given is None and model.family == _DEMO_FAMILY:
        return DEMO_EMBEDDER
    if given is None:
        raise BadInputError(
            f"{model.name} needs a face recogniser.",
            "It was trained with ArcFace embeddings, and no ArcFace model comes with this program.",
            "Give arcface_w600k_r50.onnx (FaceFusion) or w600k_r50.onnx (InsightFace) as the embedder.",
        )
    return given


def _demo_sha256() -> str:
    """Return the demo swapper's SHA-256."""
    return _sha256_at(DEMO_SWAPPER.stat().st_mtime_ns)


@cache
def _sha256_at(_changed: int) -> str:
    return sha256_of(DEMO_SWAPPER)
