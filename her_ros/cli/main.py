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

"""Entry point of ``her-ros``: register the commands and print errors as one line."""

from importlib import import_module
import re
import sys

from her_ros.cli.app import app
from her_ros.runtime.errors import HerRosError, one_line
from her_ros.runtime.last_error import report
from her_ros.runtime.output import steady_output
from her_ros.runtime.process import end_command_by_signals

#: the commands, each a module of this folder, in the order of ``her-ros --help``
COMMANDS = (
    'train',
    'train_offline',
    'worker',
    'experiment',
    'plot',
    'report',
    'evaluate',
    'deploy',
    'goal',
    'stop',
    'reset',
    'simulate',
    'card',
    'view',
    'echo',
    'publish',
)
for _name in COMMANDS:
    import_module(f'her_ros.cli.{_name}')

# typer's status after an interrupt.
_INTERRUPTED = 130

# The parser takes a word with a dash for an option, such as the y of a goal at (0.6, -0.2).
_NEGATIVE_NUMBER = re.compile(
    r'-(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|-inf|-nan', re.ASCII | re.IGNORECASE
)


def main() -> None:
    """Run the command; an error of a user prints one line and gives status 1."""
    steady_output(ends_with_reader=True)
    signal_that_came = end_command_by_signals()
    try:
        app([number_or_not(word) for word in sys.argv[1:]])
    except SystemExit as ended:
        # typer has one status for every interrupt.
        number = signal_that_came()
        sys.exit(128 + number if number and ended.code == _INTERRUPTED else ended.code)
    except ImportError as error:
        # A signal while a library of C loads may become an error of its import.
        if number := signal_that_came():
            sys.exit(128 + number)
        if (error.name or 'her_ros').startswith('her_ros'):
            raise  # a bug of ours
        library = (error.name or '').partition('.')[0]
        report(
            HerRosError(
                f'{library} cannot be loaded ({one_line(error)[:200]})',
                'install what her_ros requires, or source the set-up file of ROS',
            ),
            'her-ros',
        )
        sys.exit(1)
    except (HerRosError, OSError) as error:  # OSError: a full disk, or an unreadable file
        report(error, 'her-ros')
        sys.exit(1)


def number_or_not(word: str) -> str:
    """Return an argument, with negative numbers changed so that the parser accepts them."""
    return f' {word}' if _NEGATIVE_NUMBER.fullmatch(word) else word


if __name__ == '__main__':
    main()
