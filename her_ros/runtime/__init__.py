"""Basics that every process uses: files, processes, run folders, seeds, time."""
