"""Definitions shared by every part of her_ros; imports numpy and nothing else."""
