"""Prepare runs; list, start and supervise their nodes."""
