"""Replay, relabelling, agents and the training loop; imports core, torch and onnx."""
