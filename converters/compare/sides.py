"""The workers' part of a comparison: open one model, run it on every picture, time it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from converters.builtin import DEMO_EMBEDDER
from converters.compare.binding import Bound, bind
from converters.compare.crops import pictures_for
from converters.compare.feeds import Feeds, template_and_side, with_layouts
from converters.compare.recipe_beside import recipe_beside
from converters.face.swap.opening import is_demo_swapper
from converters.face.tensors import with_sessions_shapes
from converters.fingerprints import sha256_of
from converters.measure.latency import measure_latency
from converters.model.signature import Signature
from converters.opened import Opened, opened
from converters.progress import Progress
from converters.runtimes.base import Arrays

FEEDS, INDEX = "feeds", "index.json"
_LARGEST_RESULTS = 1_500_000_000
"""Bytes of inputs and outputs that one side may keep: beyond it fewer pictures are compared."""
_LEAST_PICTURES = 4


@dataclass(frozen=True)
class Index:
    """What the original's worker leaves for the others.

    Attributes:
        signature: the original's, static.
        family: its family.
        names: of the pictures, in order.
        sources: for each the name of the picture whose face is to appear, "" for none.
        embedder: path of the recogniser for identity measures, "" for none.
    """

    signature: Signature
    family: str
    names: tuple[str, ...]
    sources: tuple[str, ...]
    embedder: str

    def write(self, staging: Path) -> None:
        """Keep it in the staging folder."""
        data = {
            "signature": self.signature.to_json(),
            "family": self.family,
            "names": self.names,
            "sources": self.sources,
            "embedder": self.embedder,
        }
        (staging / INDEX).write_text(json.dumps(data), encoding="utf-8")

    @classmethod
    def read(cls, staging: Path) -> Index:
        """Read what `write` kept."""
        data = json.loads((staging / INDEX).read_text(encoding="utf-8"))
        return cls(
            Signature.from_json(data["signature"]),
            data["family"],
            tuple(data["names"]),
            tuple(data["sources"]),
            data["embedder"],
        )


def side_folder(staging: Path, number: int) -> Path:
    """Return where the outputs of a side lie; 0 is the original."""
    return staging / f"side{number}"


def read_feed(staging: Path, place: int) -> dict[str, Any]:
    """Return the arrays of one feed ("feed:" and the input's name) and "identity" where there is one."""
    with np.load(staging / FEEDS / f"{place}.npz", allow_pickle=False) as arrays:
        return {key: arrays[key] for key in arrays.files}


def read_outputs(staging: Path, number: int, place: int) -> Arrays:
    """Return a side's outputs for one picture, by the original's names."""
    with np.load(side_folder(staging, number) / f"{place}.npz", allow_pickle=False) as arrays:
        return {key: arrays[key] for key in arrays.files}


def compare_original(arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Open the original, choose what it is run on, run and time it.

    Args:
        arguments: "staging"; "model"; "images": a folder or ""; "pictures": how many at most; "shapes"; "trust":
            whether its code may run; "sha256": of the only contents for which it may, "" for any; "embedder": a path or
            ""; "runs", "threads" (0 for the usual number).
        progress: told after every picture.

    Returns:
        "side": what is known of the model, with "judge": "name" and "sha256" of the recogniser that judges faces, None
            where none does; "pictures", "embeddings": in words; "notes"; "names": of the pictures.

    Raises:
        StudioError: it cannot be opened, fed or run.
    """
    staging = Path(arguments["staging"])
    progress("Opening the original")
    with _opened(arguments, progress) as model:
        signature = _seen(model)
        template, side = template_and_side(model)
        folder = Path(arguments["images"]) if arguments["images"] else None
        pictures = pictures_for(template, side, folder, arguments["pictures"], progress)
        is_demo = is_demo_swapper(model)
        given = Path(arguments["embedder"]) if arguments["embedder"] else None
        # Whose embeddings the swapper takes is its own affair; who judges the faces is the person's.
        source_embedder = DEMO_EMBEDDER if is_demo else given
        judge = (given or DEMO_EMBEDDER) if template else None
        feeds = Feeds(model, signature, pictures.items, source_embedder, judge, progress)
        count = _affordable(feeds, model)
        sources = _write_feeds(feeds, count, staging)
        names = tuple(item.name for item in pictures.items[:count])
        Index(signature, model.family, names, sources, str(judge or "")).write(staging)
        bound = {tensor.name: Bound(tensor.name) for tensor in (*signature.inputs, *signature.outputs)}
        result = _run(model, signature, bound, names, staging, 0, arguments, progress)
    notes = list(pictures.notes)
    if count < len(feeds):
        notes.append(f"The outputs are large, so {count} of {len(feeds)} pictures were compared.")
    return {
        "side": {**result, "path": str(arguments["model"]), "judge": _judge_in_plain(judge)},
        "pictures": pictures.origin,
        "embeddings": feeds.embeddings,
        "notes": notes,
        "names": list(names),
    }


def compare_candidate(arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Open a candidate, run it on what the original was run on, and time it.

    Args:
        arguments: "staging"; "model"; "number": 1 for the first candidate; "shapes", "trust", "sha256", "runs",
            "threads".
        progress: told after every picture.

    Returns:
        "side": what is known of the model; "recipe": what made it, None where no report lies beside it.

    Raises:
        StudioError: it cannot be opened or run.
        UsageError: its inputs or outputs are not the original's.
    """
    staging = Path(arguments["staging"])
    index = Index.read(staging)
    progress("Opening the candidate")
    with _opened(arguments, progress) as model:
        bound = bind(index.signature.inputs, model.session.inputs, model.name, "inputs")
        bound |= bind(index.signature.outputs, model.session.outputs, model.name, "outputs")
        result = _run(model, index.signature, bound, index.names, staging, arguments["number"], arguments, progress)
        recipe = recipe_beside(Path(arguments["model"]), model.sha256)
    return {"side": {**result, "path": str(arguments["model"])}, "recipe": recipe}


def _judge_in_plain(judge: Path | None) -> dict[str, str] | None:
    return {"name": judge.name, "sha256": sha256_of(judge)} if judge is not None else None


def _opened(arguments: dict[str, Any], progress: Progress) -> Any:
    shapes = {name: tuple(shape) for name, shape in arguments["shapes"].items()}
    return opened(
        Path(arguments["model"]),
        shapes=shapes,
        trust=bool(arguments["trust"]),
        sha256=arguments.get("sha256", ""),
        threads=arguments["threads"] or None,
        progress=progress,
    )


def _seen(model: Opened) -> Signature:
    """Return the signature with sizes of the session, and with the layout of pictures where the file says none."""
    return with_layouts(with_sessions_shapes(model.signature, model.session))


def _affordable(feeds: Feeds, model: Opened) -> int:
    """Return for how many pictures there is room."""
    first = feeds.make(0)
    arrays = [*first.arrays.values(), *model.session.run(first.arrays).values()]
    size = sum(array.nbytes for array in arrays)
    return min(len(feeds), max(_LEAST_PICTURES, _LARGEST_RESULTS // max(size, 1)))


def _write_feeds(feeds: Feeds, count: int, staging: Path) -> tuple[str, ...]:
    """Keep the feeds; return for each the name of the picture whose face is to appear."""
    folder = staging / FEEDS
    folder.mkdir()
    sources = []
    for place in range(count):
        feed = feeds.make(place)
        arrays: dict[str, Any] = {f"feed:{name}": array for name, array in feed.arrays.items()}
        if feed.identity is not None:
            arrays["identity"] = feed.identity
        np.savez(folder / f"{place}.npz", allow_pickle=False, **arrays)
        sources.append(feed.source)
    return tuple(sources)


def _feeds(staging: Path, count: int, signature: Signature, bound: Mapping[str, Bound]) -> Iterator[Arrays]:
    for place in range(count):
        kept = read_feed(staging, place)
        yield {
            bound[tensor.name].name: bound[tensor.name].to_candidate(kept[f"feed:{tensor.name}"])
            for tensor in signature.inputs
        }


def _run(
    model: Opened,
    signature: Signature,
    bound: Mapping[str, Bound],
    names: Sequence[str],
    staging: Path,
    number: int,
    arguments: dict[str, Any],
    progress: Progress,
) -> dict[str, Any]:
    """Run one model on every feed, keep its outputs by the original's names, and time it on the first feed."""
    folder = side_folder(staging, number)
    folder.mkdir()
    for place, feed in enumerate(_feeds(staging, len(names), signature, bound)):
        progress("Running", place / len(names), names[place])
        results = model.session.run(feed)
        kept: dict[str, Any] = {
            tensor.name: bound[tensor.name].from_candidate(results[bound[tensor.name].name])
            for tensor in signature.outputs
        }
        np.savez(folder / f"{place}.npz", allow_pickle=False, **kept)
    first = next(_feeds(staging, 1, signature, bound))
    progress("Timing", 0.0)

    latency = measure_latency(
        lambda: model.session.run(first),
        runs=arguments["runs"],
        between=lambda: progress("Timing", 0.5),  # a point to cancel at
    )
    metadata = model.session.metadata
    return {
        "name": model.name,
        "family": model.family,
        "runtime": model.session.runtime,
        "label": getattr(model.session, "label", ""),
        "is_reference": bool(getattr(model.session, "is_reference", False)),
        "threads": model.session.threads,
        "size": model.size,
        "sha256": model.sha256,
        "precision": metadata.precision if metadata else "",
        "engine": metadata.engine if metadata else "",
        "latency": latency.to_json(),
    }
