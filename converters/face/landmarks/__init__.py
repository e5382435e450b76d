"""Finding 68 points on a face: one `Landmarker`, many models behind it."""
