"""Finding faces: one `Detector`, many models behind it."""
