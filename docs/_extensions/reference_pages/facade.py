"""The names that ``import her_ros`` offers, as Markdown."""

import inspect

import her_ros


def facade() -> str:
    """Describe every public name of the package in the order of ``__all__``."""
    names = getattr(her_ros, '__all__', [])
    lines = [
        inspect.getdoc(her_ros) or '',
        '',
        '```{eval-rst}',
        '.. py:currentmodule:: her_ros',
        '',
    ]
    for name in names:
        value = getattr(her_ros, name)
        if inspect.isclass(value):
            lines += [f'.. autoclass:: her_ros.{name}', '   :no-index:', '']
        elif inspect.isroutine(value):
            lines += [f'.. autofunction:: her_ros.{name}', '   :no-index:', '']
    return '\n'.join([*lines, '```'])
