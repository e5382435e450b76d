"""Put a drawn crop back where its face came from, on the face's bounding box alone."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from converters.face.align import bounds, rescaled, scale_of
from converters.face.blend import BlendMethod, blend_by
from converters.face.faces import Crop, Mask, Matrix, Picture


class Paster:
    """Pastes crops into pictures. Keeps buffers of the largest face so far: use from one thread at a time."""

    def __init__(self) -> None:
        self._memory = np.empty(0, np.float32)
        self._packed = np.empty((0, 0, 4), np.float32)

    def paste(
        self,
        picture: Picture,
        crop: Crop,
        mask: Mask,
        matrix: Matrix,
        *,
        method: BlendMethod | str = BlendMethod.FEATHER,
    ) -> None:
        """Paste a crop into a picture in place. Where the mask is zero, not one pixel changes.

        Args:
            picture: height x width x 3, RGB, 0..255, changed.
            crop: side x side x 3, RGB, 0..1.
            mask: side x side, 0..1; zero outside the crop.
            matrix: picture to crop, as the crop was cut with (`rescaled` where the crop's side has changed since).
            method: how the two meet.

        Raises:
            UsageError: an unknown method.
        """
        import cv2

        blend = blend_by(method)
        side = crop.shape[0]
        if crop.shape != (side, side, 3) or mask.shape != (side, side):
            raise ValueError(f"a crop of shape {crop.shape} with a mask of shape {mask.shape}")
        height, width = picture.shape[:2]
        left, top, right, bottom = bounds(matrix, side)
        left, top, right, bottom = max(left, 0), max(top, 0), min(right, width), min(bottom, height)
        if left >= right or top >= bottom:
            return
        crop, mask, matrix = _averaged(crop, mask, matrix)
        placed = matrix.copy()
        placed[:, 2] += matrix[:, :2] @ (left, top) + 1  # 1 for the rim
        both, drawing, share = self._buffers(bottom - top, right - left)
        cv2.warpAffine(
            self._pack(crop, mask),
            placed,
            (right - left, bottom - top),
            both,
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        cv2.cvtColor(both, cv2.COLOR_RGBA2RGB, drawing)
        cv2.extractChannel(both, 3, share)
        np.clip(share, 0, 1, out=share)
        scratch = both.reshape(-1)[: drawing.size].reshape(drawing.shape)
        blend(picture[top:bottom, left:right], drawing, share, scratch)

    def _pack(self, crop: Crop, mask: Mask) -> npt.NDArray[np.float32]:
        """Return crop (0..255) and mask as one picture of four channels, which OpenCV warps in a third of the time.

        The rim of one pixel repeats the crop's edge and holds a mask of zero: what lies outside is drawn, and hidden.
        """
        import cv2

        side = crop.shape[0]
        if self._packed.shape[0] != side + 2:
            self._packed = np.zeros((side + 2, side + 2, 4), np.float32)
        inner = cv2.cvtColor(crop * np.float32(255), cv2.COLOR_RGB2RGBA)
        cv2.insertChannel(mask, inner, 3)
        cv2.copyMakeBorder(inner, 1, 1, 1, 1, cv2.BORDER_REPLICATE, self._packed)
        self._packed[[0, -1], :, 3] = 0
        self._packed[:, [0, -1], 3] = 0
        return self._packed

    def _buffers(
        self, height: int, width: int
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Return room for four channels, for three and for one."""
        count = height * width
        if self._memory.size < 8 * count:
            self._memory = np.empty(8 * count, np.float32)
        four, three, one = self._memory[: 4 * count], self._memory[4 * count : 7 * count], self._memory[7 * count :]
        return four.reshape(height, width, 4), three.reshape(height, width, 3), one[:count].reshape(height, width)


def pasted(
    picture: Picture, crop: Crop, mask: Mask, matrix: Matrix, *, method: BlendMethod | str = BlendMethod.FEATHER
) -> Picture:
    """Return a copy of a picture with a crop pasted into it, as `Paster.paste` does."""
    copy = picture.copy()
    Paster().paste(copy, crop, mask, matrix, method=method)
    return copy


def _averaged(crop: Crop, mask: Mask, matrix: Matrix) -> tuple[Crop, Mask, Matrix]:
    """Return a crop that will shrink to half or less averaged first, as `align.warp` does with pictures."""
    import cv2

    side = crop.shape[0]
    box = min(int(scale_of(matrix) + 1e-6), side)
    if box < 2:
        return crop, mask, matrix
    small = side // box
    crop = np.asarray(cv2.resize(crop, (small, small), interpolation=cv2.INTER_AREA), np.float32)
    mask = np.asarray(cv2.resize(mask, (small, small), interpolation=cv2.INTER_AREA), np.float32)
    return crop, mask, rescaled(matrix, small / side)
