"""Which of the 468 points of MediaPipe's face mesh stand for the 68 of iBUG (300-W), in iBUG's order.

Jaw: the mesh's outline from ear to ear by way of the chin. Brows: their upper edge. All "left" is the viewer's.
"""

from __future__ import annotations

from typing import Final

import numpy as np

JAW = (127, 234, 132, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 361, 454, 356)
LEFT_BROW = (70, 63, 105, 66, 107)
RIGHT_BROW = (336, 296, 334, 293, 300)
NOSE_BRIDGE = (168, 197, 5, 4)
NOSTRILS = (240, 97, 2, 326, 460)
LEFT_EYE = (33, 160, 158, 133, 153, 144)
RIGHT_EYE = (362, 385, 387, 263, 373, 380)
OUTER_LIPS = (61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181)
INNER_LIPS = (78, 82, 13, 312, 308, 317, 14, 87)
IBUG_68: Final = np.array(
    [
        *(*JAW, *LEFT_BROW, *RIGHT_BROW, *NOSE_BRIDGE, *NOSTRILS),
        *(*LEFT_EYE, *RIGHT_EYE, *OUTER_LIPS, *INNER_LIPS),
    ],
    np.intp,
)
