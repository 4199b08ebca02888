"""The names that ``import her_ros`` offers, as Markdown."""

import inspect

import her_ros


def facade() -> str:
    """Describe every public name of the package in the order of ``__all__``."""
    lines = ['```{eval-rst}', '.. automodule:: her_ros', '   :no-members:', '   :no-index:', '']
    for name in her_ros.__all__:
        value = getattr(her_ros, name)
        if inspect.isclass(value):
            lines += [f'.. autoclass:: her_ros.{name}', '   :no-index:', '']
        elif inspect.isroutine(value):
            lines += [f'.. autofunction:: her_ros.{name}', '   :no-index:', '']
    return '\n'.join([*lines, '```'])
