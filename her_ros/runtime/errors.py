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

"""Base class of all errors that a user can cause and fix."""

from typing import Self

_LONGEST_LINE = 500


class HerRosError(Exception):
    """
    An error that a user can correct, shown as one line: ``source: problem; cure``.

    Commands and nodes print it without a traceback and exit with a non-zero status. Code reads
    the fields or the class, never the text.

    :param problem: what is wrong, with the value
    :param cure: what to do; empty: :attr:`usual_cure`
    :param source: the file, topic or parameter that the error is about; empty: the problem names
        it
    """

    #: cure of the errors of a class that are all corrected alike; empty: there is none
    usual_cure = ''

    def __init__(self, problem: str, cure: str = '', source: object = '') -> None:
        self.problem, self.cure, self.source = problem, cure or self.usual_cure, str(source)
        # pickle calls the class with these between processes.
        super().__init__(self.problem, self.cure, self.source)

    def __str__(self) -> str:
        """Return the line that users see."""
        return f'{self.complaint}; {self.cure}' if self.cure else self.complaint

    @property
    def complaint(self) -> str:
        """Return the line without its cure."""
        return f'{self.source}: {self.problem}' if self.source else self.problem

    @classmethod
    def of(cls, error: 'HerRosError', source: object = '') -> Self:
        """
        Convert an error to this class and add a source.

        :param error: keeps its class if that is a subclass of this one
        :param source: put in front of the source that the error has
        """
        kind = type(error) if isinstance(error, cls) else cls
        return kind(
            error.problem, error.cure, ': '.join(filter(None, (str(source), error.source)))
        )


def one_line(text: object) -> str:
    """
    Return a text as one printable line of bounded length.

    Texts from messages and files may hold line ends, control characters and lone surrogates,
    which logs and diagnostics cannot carry.
    """
    head = ' '.join(str(text)[: 2 * _LONGEST_LINE].split())
    line = ''.join(each if each.isprintable() else '\N{REPLACEMENT CHARACTER}' for each in head)
    return line if len(line) <= _LONGEST_LINE else f'{line[:_LONGEST_LINE]} …'
