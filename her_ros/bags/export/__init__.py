"""Bags that are written from other recordings."""
