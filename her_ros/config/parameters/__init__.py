"""Declarations of all parameters, with default, range and description."""
