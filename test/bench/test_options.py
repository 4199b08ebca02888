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

import argparse
import ast
from pathlib import Path

from options import above, at_least, DOMAIN, Options, whole
import pytest

BENCHES = sorted(Path(__file__).parents[2].joinpath('bench').glob('*.py'))
OWN_TYPES = {'whole', 'above', 'at_least', 'DOMAIN', 'SEED', 'Path'}


@pytest.mark.parametrize(
    ('kind', 'text', 'value'),
    [(whole(1), '1', 1), (whole(0, 3), '3', 3), (DOMAIN, '101', 101), (above(0.0), '0.5', 0.5),
     (at_least(0.0), '0', 0.0)],
)  # fmt: skip
def test_numbers_within_their_limits_are_taken(kind, text, value):
    assert kind(text) == value


@pytest.mark.parametrize(
    ('kind', 'text', 'limits'),
    [
        (whole(1), '0', 'at least 1'),
        (whole(1), '-1', 'at least 1'),
        (whole(1), '1.5', 'at least 1'),
        (whole(0, 3), '4', 'from 0 to 3'),
        (DOMAIN, '102', 'from 0 to 101'),
        (above(0.0), '0', 'above 0'),
        (above(0.0), 'inf', 'above 0'),
        (above(0.0), 'nan', 'above 0'),
        (above(0.0), 'tea', 'above 0'),
        (at_least(0.0), '-0.1', 'at least 0'),
    ],
)
def test_other_numbers_are_refused_with_their_limits(kind, text, limits):
    with pytest.raises(argparse.ArgumentTypeError, match=f'{limits}$') as error:
        kind(text)
    assert repr(text) in str(error.value)


@pytest.mark.parametrize('arguments', [['run', '--rounds', '0'], ['run', '--tea'], ['tea'], []])
def test_what_does_not_fit_is_one_line_and_status_2(capsys, arguments):
    parser = Options('A benchmark.', prog='bench.py')
    command = parser.add_subparsers(dest='command', required=True).add_parser('run')
    command.add_argument('--rounds', type=whole(1))
    with pytest.raises(SystemExit) as end:
        parser.parse_args(arguments)
    assert end.value.code == 2
    output, errors = capsys.readouterr()
    assert not output
    (line,) = errors.splitlines()
    assert line.startswith('bench.py')


def _calls(tree, name):
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, 'attr', None) == name:
            yield node


@pytest.mark.parametrize('path', BENCHES, ids=lambda path: path.stem)
def test_every_number_that_a_benchmark_takes_has_limits(path):
    tree = ast.parse(path.read_text())
    assert path.stem == 'options' or 'ArgumentParser' not in path.read_text()
    for call in _calls(tree, 'add_argument'):
        for kind in (word.value for word in call.keywords if word.arg == 'type'):
            name = kind.func if isinstance(kind, ast.Call) else kind
            assert name.id in OWN_TYPES, f'line {call.lineno}'
    # nothing reads the command line otherwise
    words = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    assert not any(node.attr == 'argv' for node in words)
