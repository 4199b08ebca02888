"""Errors about policy files."""

from her_ros.runtime.errors import HerRosError


class PolicyError(HerRosError):
    """A policy file that is damaged, not the one asked for, or made for something else."""

    usual_cure = 'use a policy.onnx that her_ros exported'
