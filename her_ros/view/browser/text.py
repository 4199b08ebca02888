# Copyright 2026 her_ros maintainers
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""Pieces of HTML on the pages of views; they are read on light and on dark ground."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Protocol

from her_ros.view.browser.colors import Color, GREEN, GREY, ORANGE, RED


def rgb(color: Color) -> str:
    """Return a colour as CSS."""
    return 'rgb({}, {}, {})'.format(*color)


def number(value: float) -> str:
    """Return a whole number with a proper minus sign."""
    return f'{value:.0f}'.replace('-', '−')


def status(distance_m: float, is_success: bool, is_over: bool, lines: Sequence[str]) -> str:
    """Say how an episode stands, in large letters, and lines below it."""
    if is_success:
        head, color = ('reached' if is_over else 'at the goal'), GREEN
    elif is_over:
        head, color = f'missed by {100 * distance_m:.1f} cm', RED
    else:
        head, color = f'{100 * distance_m:.1f} cm to the goal', GREY
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


class NodeReport(Protocol):
    """What a node reports, see :class:`her_ros.view.browser.live_graph.Report`."""

    @property
    def level(self) -> int:
        """0: well, 1: a warning, 2: an error."""

    @property
    def message(self) -> str:
        """Return the node's own words."""

    @property
    def values(self) -> Mapping[str, str]:
        """Values by name."""

    @property
    def is_silent(self) -> bool:
        """Whether the node has not been heard of for some seconds."""


# Values that a table of nodes shows, where a node reports them, with their names there.
_SHOWN = (
    ('env_steps_per_s', '{} steps/s'),
    ('updates_per_s', '{} updates/s'),
    ('answers_per_s', '{} answers/s'),
    ('latency_p50_ms', 'latency {} ms'),
    ('latency_p99_ms', 'p99 {} ms'),
    ('interventions', '{} actions filtered'),
    ('missed_deadlines', '{} safety stops'),
    ('rollouts_dropped', '{} rollouts dropped'),
    ('bags_refused', '{} bags refused'),
    ('busy', '{} of a core'),
)


def node_table(reports: Mapping[str, NodeReport]) -> str:
    """
    Return a table of nodes: how each one is, and its rates, latencies and counts.

    :param reports: by name
    """
    rows = []
    for name, report in sorted(reports.items()):
        color = GREY if report.is_silent else (GREEN, ORANGE, RED)[min(report.level, 2)]
        message = 'silent' if report.is_silent else report.message
        values = ', '.join(
            text.format(report.values[key]) for key, text in _SHOWN if report.values.get(key)
        )
        rows.append(
            f'<div style="margin-top:0.5em"><span style="color:{rgb(color)}">●</span>'
            f' <b>{escape(name)}</b> {escape(message)}'
            f'<div style="opacity:0.75;margin-left:1.1em">{escape(values)}</div></div>'
        )
    body = ''.join(rows) or 'No node has reported yet.'
    return f'<div style="margin:0 0.75em 0.75em;font-size:0.875em">{body}</div>'
