"""Quantization: calibration sets, observed ranges, Encodings, the reference that previews show, the layer to blame."""
