"""One file per group of ONNX operators."""
