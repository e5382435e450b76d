"""What this program is called, and which one it is."""

from __future__ import annotations

NAME = "FaceFusion Mobile Studio"
VERSION = "0.1.0"
"""As in pyproject.toml; a test compares them."""
