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

"""Put sections of text, tables and figures into one page of HTML."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from io import StringIO
import re
from typing import Any

from her_ros.runtime.errors import HerRosError, one_line
from jinja2 import Environment, Template
from markupsafe import escape, Markup
import matplotlib
from matplotlib.figure import Figure

#: colours that are seen on a light and on a dark page
GREEN, RED, BLUE, GREY = '#2a9d5c', '#e0524d', '#3b82d6', '#8a8f98'
#: several of them, for runs beside each other
SERIES = (BLUE, '#e08a1e', GREEN, '#a35fd0', RED, '#15a3a8', GREY)
# Stands in a figure for the colour of the page's text.
_INK = '#010203'

_STYLE: dict[Any, Any] = {
    'svg.fonttype': 'none',  # text in the page's own letters
    'svg.hashsalt': 'her_ros',
    'font.size': 11,
    'text.color': _INK,
    'axes.edgecolor': _INK,
    'axes.labelcolor': _INK,
    'axes.titlecolor': _INK,
    'xtick.color': _INK,
    'ytick.color': _INK,
    'grid.color': _INK,
    'grid.alpha': 0.15,
    'axes.grid': True,
    'axes.facecolor': 'none',
    'figure.facecolor': 'none',
    'legend.facecolor': 'none',
    'legend.frameon': False,
    'axes.spines.top': False,
    'axes.spines.right': False,
}
_LONGEST_REASON = 240
# Pictures up to this width, points, fit a phone.
_NARROW_PT = 470.0


@dataclass(frozen=True)
class Picture:
    """A figure as SVG, and what is written below it."""

    svg: str
    caption: str

    @property
    def is_wide(self) -> bool:
        """Whether its letters would be too small to read in the width of a phone."""
        found = re.search(r'viewBox="\S+ \S+ (\S+) ', self.svg)
        return found is not None and float(found[1]) > _NARROW_PT


@dataclass(frozen=True)
class Table:
    """Rows of text below a head; an empty head is not shown."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Section:
    """A part of the page; empty values are left out."""

    title: str
    text: Sequence[str] = ()
    pictures: Sequence[Picture] = ()
    tables: Sequence[Table] = ()
    #: commands that can be copied
    commands: Sequence[str] = ()
    #: parts that are not shown, and the reasons
    missing: Sequence[str] = ()


@dataclass(frozen=True)
class Page:
    """A whole page."""

    title: str
    subtitle: str
    #: name and value of what matters most
    highlights: Sequence[tuple[str, str]]
    sections: Sequence[Section]


def section(title: str, make: Callable[[], Section]) -> Section:
    """Make a section; if that fails, return one that says why: a report never fails as a whole."""
    try:
        return make()
    except Exception as error:  # whatever a damaged or old run brings about
        return Section(title, missing=[f'This part is left out: {reason_of(error)}'])


def reason_of(error: Exception) -> str:
    """Return an error as a line that is short enough for a page."""
    if isinstance(error, HerRosError):
        line = one_line(error.complaint)
        return line if len(line) <= _LONGEST_REASON else f'{line[:_LONGEST_REASON]} …'
    return one_line(repr(error))[:_LONGEST_REASON]


def picture(draw: Callable[[], Figure], caption: str) -> Picture:
    """
    Draw a figure in the style of the page.

    :param draw: makes the figure, with ``layout='constrained'``
    """
    text = StringIO()
    with matplotlib.rc_context(_STYLE):
        draw().savefig(text, format='svg', metadata={'Date': None}, transparent=True)
    svg = text.getvalue()
    begin = svg.index('<svg')
    svg = svg[begin:].replace(_INK, 'currentColor')
    # The page chooses letters; sizes in points stay.
    svg = re.sub(r"(font: [^;']*?px) '[^\"]*?(?=[;\"])", r'\1 inherit', svg)
    return Picture(svg, caption)


def render(page: Page) -> str:
    """Return a page as HTML."""
    return _template().render(page=page)


@cache
def _template() -> Template:
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters['marked'] = _marked
    text = files('her_ros.analysis.run_report').joinpath('page.html').read_text('utf-8')
    return environment.from_string(text)


def _marked(text: str) -> Markup:
    """Return a text as HTML in which what stands between backquotes is code."""
    return Markup(re.sub(r'`([^`]+)`', r'<code>\1</code>', str(escape(text))))
