"""ONNX to torch.fx.GraphModule."""
