"""Bags converted from other recordings."""
