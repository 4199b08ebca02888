"""Faster updates: compiled, captured in CUDA graphs, or made by several processes."""
