"""What the program brings along: the demo model, its embedder, and pictures of people who do not exist."""

from __future__ import annotations

from pathlib import Path

RESOURCES = Path(__file__).resolve().parents[1] / "resources"
DEMO = RESOURCES / "demo"
DEMO_NAME = "demo"
"""What a person types instead of a path."""
DEMO_SWAPPER = DEMO / "swapper.onnx"
"""`target` 1x3x128x128 (RGB, 0..1, template arcface_128) and `source` 1x512 (unit embedding) -> `output`."""
DEMO_EMBEDDER = DEMO / "embedder.onnx"
"""`input` 1x3x112x112 (RGB, -1..1, template arcface_112_v2) -> `embedding` 1x512, not normalised."""
DEMO_CHECKPOINT = DEMO / "swapper.pth"
DEMO_GALLERY = DEMO / "gallery"
"""Twelve source portraits."""
DEMO_CROPS = DEMO / "crops"
"""64 crops, 128 x 128, template arcface_128."""
DEMO_CLIP = DEMO / "clip.mp4"
"""Ten seconds, 1280 x 720, two people."""
LPIPS_WEIGHTS = RESOURCES / "lpips_alex.onnx"
