"""Learning from episodes: replay, agents and training; owns torch and onnx."""
