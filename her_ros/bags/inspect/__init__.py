"""Inspect bags: their content, and whether it keeps the wire contract."""
