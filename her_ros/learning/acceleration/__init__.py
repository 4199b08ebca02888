"""Faster updates: compiled, captured in CUDA graphs, or distributed over processes."""
