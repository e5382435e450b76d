"""Plain data that JSON can hold."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


def finite_or_null(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return `data` with None for every float that is infinite or no number: JSON has no word for those."""
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value for key, value in data.items()
    }
