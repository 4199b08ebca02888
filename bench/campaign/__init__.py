"""Sections of the fault campaign; each has ``run(scale, folder)`` and returns figures."""
