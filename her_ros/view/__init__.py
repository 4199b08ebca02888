"""Displays of running nodes."""
