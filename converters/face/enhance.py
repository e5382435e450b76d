"""Networks that improve pictures: one face at a time in its crop, or a whole frame in tiles."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

from converters.errors import BadInputError, UnsupportedError
from converters.face.align import matrix_to, rescaled, warp
from converters.face.faces import Crop, Mask, Matrix, Picture, Points
from converters.face.masks import box_mask, combined
from converters.face.paste import Paster
from converters.face.tensors import (
    ImageInput,
    ImageOutput,
    is_picture,
    resized,
    with_family_facts,
    with_sessions_shapes,
)
from converters.model.families import FamilyTensor
from converters.model.families import family as family_called
from converters.model.signature import Role, Signature, TensorInfo
from converters.progress import Progress
from converters.runtimes.base import Arrays, Session

MIX: Final = 0.8
"""How much of the improved picture shows."""
_TEMPLATE: Final = "ffhq_512"
_KINDS: Final = ("enhancer", "frame enhancer")
_MOST_PIXELS: Final = 200_000_000  # of an enlarged frame: above, memory is the likelier outcome than a picture
# A tile's share that is padded around the frame, and that is cut away again from each side of a tile's result.
_PADDING, _OVERLAP = 16, 32


class ImageToImage:
    """Any network that takes one picture and gives one. Keeps buffers: use from one thread at a time.

    Args:
        session: its other inputs, if any, are strengths (codeformer's `weight`).
        signature: of it; unknown normalisation counts as 0..1.
        family: id, "" when unknown.
        strength: 0..1, for those other inputs.
        name: for people; the session's file where it is not given.

    Attributes:
        known: its family, None for an unknown one.
        template: that its crops are aligned by.
        side, drawn_side: of what it takes and what it gives.

    Raises:
        UnsupportedError: it takes or gives no picture, or several, or of no fixed size, or is known for something else.
        BadInputError: the strength is out of range.
    """

    def __init__(
        self, session: Session, signature: Signature, family: str = "", *, strength: float = 0.5, name: str = ""
    ) -> None:
        if not 0 <= strength <= 1:
            raise BadInputError(f"The strength is {strength}.", "", "Give a number from 0 to 1.")
        signature = with_sessions_shapes(signature, session)
        name = name or session.path.name
        known = family_called(family)
        if known is not None and known.kind not in _KINDS:
            raise UnsupportedError(
                f"{name} is {known.title}, of the kind {known.kind!r}.",
                "It does not improve pictures.",
                "Give an enhancer, such as gfpgan_1.4.onnx.",
            )
        pictures = [tensor for tensor in signature.inputs if is_picture(tensor)]
        drawn = [tensor for tensor in signature.outputs if is_picture(tensor)]
        others = [tensor for tensor in signature.inputs if not is_picture(tensor)]
        if len(pictures) != 1 or not drawn or not all(_is_strength(tensor) for tensor in others):
            inputs = ", ".join(f"{tensor.name} {tensor.shape}" for tensor in signature.inputs)
            raise UnsupportedError(f"{name} does not turn one picture into another.", f"It takes {inputs}.")
        self._session = session
        self._input = ImageInput(_known(pictures[0], known.inputs if known else ()), name)
        self._output = ImageOutput(_known(drawn[0], known.outputs if known else ()), name)
        self._others: Arrays = {
            tensor.name: np.full(tensor.static_shape, strength, dtype=tensor.dtype) for tensor in others
        }
        self.name = name
        self.known = known
        self.template = (known.template if known else "") or _TEMPLATE
        self.side = self._input.side
        self.drawn_side = self._output.side
        self._out: Crop = np.zeros((self.drawn_side, self.drawn_side, 3), np.float32)

    def run(self, crop: npt.NDArray[np.float32]) -> Crop:
        """Return drawn_side x drawn_side x 3, RGB, 0..1, of a crop of `side`; the next call writes over it."""
        feeds = {self._input.name: self._input.filled(crop), **self._others}
        results = self._session.run(feeds, [self._output.name])
        return self._output.crop(results[self._output.name], self._out)


def _known(tensor: TensorInfo, facts: tuple[FamilyTensor, ...]) -> TensorInfo:
    images = [fact for fact in facts if fact.role is Role.IMAGE]
    return with_family_facts(tensor, images[0]) if len(images) == 1 else tensor


def _is_strength(tensor: TensorInfo) -> bool:
    return tensor.is_static and int(np.prod(tensor.static_shape)) == 1


class FaceEnhancer:
    """Redraws a face in place: GFPGAN, GPEN, CodeFormer, RestoreFormer++ and any network of the kind.

    Args:
        network: of square crops; where it gives a larger crop than it takes, the larger one is pasted.

    Raises:
        UnsupportedError: it is known to be for whole frames.
    """

    def __init__(self, network: ImageToImage) -> None:
        if network.known is not None and network.known.kind != "enhancer":
            raise UnsupportedError(
                f"{network.name} is {network.known.title}, of the kind {network.known.kind!r}.",
                "It improves whole frames and does not redraw faces.",
                "Give a face enhancer, such as gfpgan_1.4.onnx.",
            )
        self.network = network
        self._paster = Paster()
        self._crop: Crop = np.empty((network.side, network.side, 3), np.float32)
        self._mask: Mask = np.empty((network.drawn_side, network.drawn_side), np.float32)

    def crop(self, picture: Picture, points: Points) -> Crop:
        """Return a face as the network takes it: side x side x 3, RGB, 0..1; a buffer, good until the next call.

        Raises:
            BadInputError: the points are no face's.
        """
        return warp(picture, self.matrix(points), self.network.side, self._crop)

    def matrix(self, points: Points) -> Matrix:
        """Return the matrix from a picture to the crop of a face; errors as `crop`."""
        return matrix_to(self.network.template, points, self.network.side)

    def enhance(
        self,
        picture: Picture,
        points: Points,
        *,
        mix: float = MIX,
        blur: float = 0.3,
        mask: Mask | None = None,
    ) -> None:
        """Enhance one face of a picture in place.

        Args:
            picture: height x width x 3, RGB, 0..255, changed.
            points: 5 x 2, of the face.
            mix: 0..1, how much of the enhanced face shows; the rest is the picture as it was.
            blur: of the box mask.
            mask: square, of any side, 0..1, taken together with the box (occlusion); None for none.

        Raises:
            BadInputError: the points are no face's, or a number is out of range.
        """
        self.paste(picture, self.network.run(self.crop(picture, points)), points, mix=mix, blur=blur, mask=mask)

    def paste(
        self,
        picture: Picture,
        drawn: Crop,
        points: Points,
        *,
        mix: float = MIX,
        blur: float = 0.3,
        mask: Mask | None = None,
    ) -> None:
        """Put what the network drew of a face into a picture; arguments and errors as `enhance`.

        Args:
            picture, points, mix, blur, mask: as there.
            drawn: drawn_side x drawn_side x 3, RGB, 0..1.
        """
        _check_mix(mix)
        network = self.network
        box = box_mask(network.drawn_side, blur)
        share = combined([box] if mask is None else [box, resized(mask, network.drawn_side)], self._mask)
        share *= np.float32(mix)
        self._paster.paste(picture, drawn, share, rescaled(self.matrix(points), network.drawn_side / network.side))


def tile_plan(side: int) -> tuple[int, int]:
    """Return pixels of padding around the frame and of overlap cut from each side of a tile: 16 and 8 for 256."""
    return side // _PADDING, side // _OVERLAP


class FrameEnhancer:
    """Enlarges or cleans whole frames with a network of square tiles (Real-ESRGAN, SPAN and any of the kind).

    Args:
        network: of square tiles.

    Raises:
        UnsupportedError: what it gives is no whole multiple of what it takes.
    """

    def __init__(self, network: ImageToImage) -> None:
        if network.drawn_side % network.side:
            raise UnsupportedError(
                f"{network.name} takes {network.side} pixels a side and gives {network.drawn_side}.",
                "Tiles fit together at whole factors only.",
            )
        self.network = network
        self.factor = network.drawn_side // network.side

    def enhance(self, picture: Picture, *, mix: float = MIX, progress: Progress | None = None) -> Picture:
        """Return a picture `factor` times as large.

        Args:
            picture: height x width x 3, RGB, 0..255.
            mix: 0..1, how much of the enhanced picture shows; the rest is the picture enlarged bilinearly.
            progress: told before every tile; may cancel.

        Raises:
            BadInputError: the mix is out of range, or the enlarged picture would be too large.
        """
        import cv2

        _check_mix(mix)
        progress = progress or Progress()
        height, width = picture.shape[:2]
        factor = self.factor
        if height * width * factor**2 > _MOST_PIXELS:
            raise BadInputError(
                f"A picture of {width} x {height} pixels would grow to {width * factor} x {height * factor}.",
                "That is more than this program holds at once.",
                "Use a smaller picture.",
            )
        enlarged = np.asarray(
            cv2.resize(picture, (width * factor, height * factor), interpolation=cv2.INTER_LINEAR), np.uint8
        )
        tiles = list(self._tiles(height, width))
        tile = np.empty((self.network.side, self.network.side, 3), np.float32)
        for number, (top, left) in enumerate(tiles):
            progress("Enhancing the frame", number / len(tiles))
            self._cut(picture, top, left, tile)
            self._place(enlarged, self.network.run(tile), top, left, mix)
        return enlarged

    def _tiles(self, height: int, width: int) -> Iterator[tuple[int, int]]:
        """Yield the first row and column that each tile contributes; the first lie in the padding before the frame."""
        side = self.network.side
        padding, overlap = tile_plan(side)
        step = side - 2 * overlap
        for top in range(-padding, height, step):
            for left in range(-padding, width, step):
                yield top, left

    def _cut(self, picture: Picture, top: int, left: int, tile: Crop) -> None:
        """Fill a tile; beyond the picture it is mirrored, so that no dark edge is enhanced into the frame."""
        side = self.network.side
        overlap = tile_plan(side)[1]
        rows = _mirrored(np.arange(top - overlap, top - overlap + side), picture.shape[0])
        columns = _mirrored(np.arange(left - overlap, left - overlap + side), picture.shape[1])
        np.multiply(picture[rows[:, None], columns], np.float32(1 / 255), out=tile)

    def _place(self, enlarged: Picture, drawn: Crop, top: int, left: int, mix: float) -> None:
        """Mix a tile's inner part into the enlarged picture."""
        overlap = tile_plan(self.network.side)[1]
        step = self.network.side - 2 * overlap
        factor = self.factor
        height, width = enlarged.shape[:2]
        first_row, first_column = max(top * factor, 0), max(left * factor, 0)
        last_row, last_column = min((top + step) * factor, height), min((left + step) * factor, width)
        shift_rows, shift_columns = (overlap - top) * factor, (overlap - left) * factor
        part = drawn[
            first_row + shift_rows : last_row + shift_rows, first_column + shift_columns : last_column + shift_columns
        ]
        window = enlarged[first_row:last_row, first_column:last_column]
        mixed = part * np.float32(255 * mix)
        if mix < 1:
            mixed += window * np.float32(1 - mix)
        window[...] = np.rint(mixed)


def _mirrored(places: npt.NDArray[np.int_], size: int) -> npt.NDArray[np.int_]:
    """Return places folded back into 0..size - 1 at both ends, without repeating the edge, however far they reach."""
    if size == 1:
        return np.zeros_like(places)
    period = 2 * (size - 1)
    folded = np.abs(places) % period
    return np.where(folded < size, folded, period - folded)


def _check_mix(mix: float) -> None:
    if not 0 <= mix <= 1:
        raise BadInputError(f"The mix is {mix}.", "", "Give a number from 0 to 1; .8 is usual.")
