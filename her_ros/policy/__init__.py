"""Acting with a policy: the ONNX file, exploration, answers to ``step``, real-time scheduling."""
