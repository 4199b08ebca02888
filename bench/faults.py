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

"""
Run the fault campaign: break the package on purpose and count what fails.

Each section injects one kind of fault (see its module in ``campaign/``) and returns figures with
limits. The exit status is 1 if a figure exceeds its limit.

Run: ``python bench/faults.py [SECTION ...] [--long]``
"""

from functools import partial
import importlib
from pathlib import Path
import sys
import tempfile

from campaign.figures import Figure, or_gave_up, Scale
from options import Options
from table import print_figures, print_table, timed

SECTIONS: tuple[str, ...] = ('bags', 'disk', 'wire', 'signals', 'clocks', 'events', 'links')


def main() -> None:
    parser = Options(__doc__)
    parser.add_argument('sections', nargs='*', choices=[[], *SECTIONS], help='default: all')
    parser.add_argument('--long', action='store_true', help='the counts of the published table')
    options = parser.parse_args()
    scale = Scale.LONG if options.long else Scale.SHORT
    figures = []
    for name in options.sections or SECTIONS:
        figures += run_section(name, scale)
    print_figures(**{figure.key: figure.value for figure in figures})
    sys.exit(not all(figure.passed for figure in figures))


def run_section(name: str, scale: Scale) -> list[Figure]:
    """Run one section in a temporary folder and print its table."""
    section = importlib.import_module(f'campaign.{name}')
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix=f'her_ros_faults_{name}_') as folder:
        measure = partial(section.run, scale, Path(folder))
        seconds = timed(lambda: figures.extend(or_gave_up(name, measure)))
    rows = [
        (figure.key, figure.value, '–' if figure.limit is None else f'≤ {figure.limit:g}',
         'pass' if figure.passed else 'FAIL')
        for figure in figures
    ]  # fmt: skip
    print_table(f'{name} ({seconds:.0f} s)', ('measured', 'limit', ''), rows)
    return figures


if __name__ == '__main__':
    main()
