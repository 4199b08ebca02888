"""Learning from episodes: replay, agents and training; uses torch and onnx."""
