"""A swapper network behind any Session: ONNX Runtime, MNN, LiteRT, Core ML."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from converters.errors import BadInputError
from converters.face.align import matrix_to, warp
from converters.face.emap import Emap, EmapRule, source_latent
from converters.face.embed import mean_embedding, unit
from converters.face.faces import Embedding
from converters.face.swap.base import Prepared, Source, Swapper, SwapResult
from converters.face.swap.conventions import convention_of
from converters.face.tensors import ImageInput, ImageOutput, mask_of, with_sessions_shapes
from converters.model.signature import Signature
from converters.runtimes.base import Array, Session


class SessionSwapper(Swapper):
    """Feeds a swapper network by its family's convention.

    Args:
        session: takes and gives the ONNX graph's layout.
        signature: names and shapes at least.
        family: id of a family of swappers.
        emap: for families whose embedding goes through it; an artifact does not carry it, its original does.
        emap_rule: whose arithmetic.
        converter: the crossface network, for families whose embedding goes through one.
        name: for people; the session's file where it is not given.

    Raises:
        UnsupportedError: the family is no swapper, or the edges are not those of the family.
        BadInputError: emap or the converter is missing or does not fit.
    """

    def __init__(
        self,
        session: Session,
        signature: Signature,
        family: str,
        *,
        emap: Emap | None = None,
        emap_rule: EmapRule = EmapRule.FACEFUSION,
        converter: Session | None = None,
        name: str = "",
    ) -> None:
        name = name or session.path.name
        convention = convention_of(with_sessions_shapes(signature, session), family, name)
        self.convention = convention
        self.emap = emap if convention.emap else None
        self._emap_rule = EmapRule(emap_rule)
        self._session = session
        self._converter = converter if convention.converter else None
        self._target_input = ImageInput(convention.target, name)
        self._image = ImageOutput(convention.image, name)
        self._source_input = ImageInput(convention.source, name) if convention.source_template else None
        self._wanted = [convention.image.name, *([convention.mask.name] if convention.mask else [])]
        super().__init__(
            name,
            convention.template,
            self._target_input.side,
            needs_embedding=self._source_input is None,
            needs_picture=self._source_input is not None,
        )
        self._check_parts()

    def _check_parts(self) -> None:
        convention = self.convention
        if self._image.side != self.side:
            raise BadInputError(f"{self.name} takes crops of side {self.side} and gives {self._image.side}.")
        if convention.emap and self.emap is None:
            raise BadInputError(
                f"{self.name} needs its emap, which is not in the file.",
                "Converted files do not carry it, and simplifiers drop it.",
                "Keep the -emap.npy that was written with it beside it, or give the original model.",
            )
        if self.emap is not None and self.emap.shape[1] != int(np.prod(convention.source.static_shape)):
            raise BadInputError(
                f"The emap is {self.emap.shape[0]} x {self.emap.shape[1]}, but source of {self.name} is "
                f"{convention.source.shape}.",
                "It belongs to another model.",
            )
        if convention.converter and self._converter is None:
            raise BadInputError(
                f"{self.name} needs the network {convention.converter}, which turns an ArcFace embedding into its own.",
                "",
                f"Give {convention.converter}.onnx as the converter.",
            )

    def _prepare(self, source: Source) -> Array:
        convention = self.convention
        tensor = convention.source
        if self._source_input is not None:
            if source.picture is None or source.points is None:
                raise ValueError("prepare checks this")
            side = self._source_input.side
            crop = warp(source.picture, matrix_to(convention.source_template, source.points, side), side)
            return self._source_input.filled(crop).copy()
        return self._vector(source.embeddings).reshape(tensor.static_shape).astype(tensor.dtype)

    def _vector(self, embeddings: tuple[Embedding, ...]) -> Embedding:
        raw = mean_embedding(embeddings)
        if self.emap is not None:
            return source_latent(raw, self.emap, self._emap_rule)
        if self._converter is not None:
            raw = _converted(self._converter, raw)
        # FaceFusion averages unit embeddings where no converter stands between, and does not bring the mean to length 1
        elif self.convention.unit:
            raw = mean_embedding([unit(embedding) for embedding in embeddings])
            return self._fitting(raw)
        return self._fitting(unit(raw) if self.convention.unit else raw)

    def _fitting(self, vector: Embedding) -> Embedding:
        wanted = int(np.prod(self.convention.source.static_shape))
        if vector.size != wanted:
            raise BadInputError(
                f"The embedding has {vector.size} numbers, {self.name} takes {wanted}.",
                "The recogniser does not belong to this swapper.",
            )
        return vector

    def _target(self, embedding: Embedding) -> Embedding:
        return unit(embedding) if self.convention.target_is_unit else embedding

    def _swap(self, crop: npt.NDArray[np.float32], prepared: Prepared) -> SwapResult:
        if prepared.source is None:
            raise ValueError(f"{self.name} was given a source prepared for another kind of swapper")
        convention = self.convention
        feeds = {convention.target.name: self._target_input.filled(crop), convention.source.name: prepared.source}
        results = self._session.run(feeds, self._wanted)
        drawn = self._image.crop(results[convention.image.name], self._out)
        mask = mask_of(results[convention.mask.name], self.side) if convention.mask else None
        return SwapResult(drawn, mask)


def _converted(converter: Session, raw: Embedding) -> Embedding:
    """Run a crossface network on a raw embedding."""
    if len(converter.inputs) != 1 or not converter.outputs:
        raise BadInputError(f"{converter.path.name} is no converter of embeddings.", "It has several inputs.")
    spec = converter.inputs[0]
    if len(spec.shape) != 2 or spec.shape[1] not in (-1, raw.size):
        raise BadInputError(
            f"{converter.path.name} takes {spec.shape}, the embedding has {raw.size} numbers.",
            "It is no converter of embeddings, or the recogniser does not belong to it.",
        )
    name = converter.outputs[0].name
    vector = np.array(converter.run({spec.name: raw[None].astype(spec.dtype)}, [name])[name], np.float32).reshape(-1)
    if not np.isfinite(vector).all():
        raise BadInputError(f"{converter.path.name} gave numbers that are not finite.", "The file may be damaged.")
    return vector
