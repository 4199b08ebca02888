"""Serving a policy: the ONNX file, its contract, exploration; imports core and onnxruntime."""
