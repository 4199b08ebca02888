"""Pieces of HTML on the pages of views; they are read on light and on dark ground."""

from collections.abc import Iterable, Sequence
from html import escape

from her_ros.view.browser.stage import GREEN, RED, Color

_GREY: Color = (120, 126, 134)


def rgb(color: Color) -> str:
    """Return a colour as CSS."""
    return 'rgb({}, {}, {})'.format(*color)


def status(distance_m: float, is_success: bool, is_over: bool, lines: Sequence[str]) -> str:
    """Say how an episode stands, in large letters, and lines below it."""
    if is_success:
        head, color = ('reached' if is_over else 'at the goal'), GREEN
    elif is_over:
        head, color = f'missed by {100 * distance_m:.1f} cm', RED
    else:
        head, color = f'{100 * distance_m:.1f} cm to the goal', _GREY
    return headline(head, color, lines)


def headline(head: str, color: Color, lines: Iterable[str]) -> str:
    """Return a line in large letters on a coloured ground, and lines below it."""
    below = ''.join(f'<div style="margin-top:0.2em">{escape(line)}</div>' for line in lines)
    return (
        '<div style="margin:0 0.75em 0.75em">'
        f'<div style="background:{rgb(color)};color:#fff;border-radius:0.4em;padding:0.35em 0.7em;'
        f'font-size:1.25em;font-weight:600">{escape(head)}</div>'
        f'<div style="font-size:0.875em;margin-top:0.4em">{below}</div></div>'
    )


def legend(colors: Iterable[tuple[str, Color]]) -> str:
    """Name what colours stand for."""
    parts = ''.join(
        '<span style="display:inline-block;margin-right:1em;white-space:nowrap">'
        f'<span style="display:inline-block;width:1em;height:0.35em;background:{rgb(color)};'
        f'margin-right:0.4em;vertical-align:middle"></span>{escape(name)}</span>'
        for name, color in colors
    )
    return f'<div style="margin:0 0.75em 0.75em;font-size:0.875em">{parts}</div>'
