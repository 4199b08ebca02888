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

import ast
import importlib
import inspect
from pathlib import Path
import pickle
import pkgutil

import her_ros
from her_ros.config.schema import ConfigError
from her_ros.runtime.errors import HerRosError
import pytest

ROOMS = (
    'runtime', 'config', 'tasks', 'wire', 'episodes', 'bags', 'learning', 'policy', 'sim', 'arms',
    'robot',
)  # fmt: skip


class LimitError(ConfigError):
    """A subclass of an error's class."""


@pytest.mark.parametrize(
    ('fields', 'line', 'complaint'),
    [
        (('it is 3',), 'it is 3', 'it is 3'),
        (('it is 3', 'make it 2'), 'it is 3; make it 2', 'it is 3'),
        (('it is 3', '', 'a.yaml'), 'a.yaml: it is 3', 'a.yaml: it is 3'),
        (('it is 3', 'make it 2', Path('a')), 'a: it is 3; make it 2', 'a: it is 3'),
    ],
)
def test_an_error_is_one_line_of_source_problem_and_cure(fields, line, complaint):
    error = HerRosError(*fields)
    assert str(error) == line
    assert error.complaint == complaint


def test_an_error_met_within_another_source_names_both():
    error = ConfigError.of(HerRosError('it is 3', 'make it 2', 'gain'), 'a.yaml')
    assert type(error) is ConfigError
    assert (error.source, error.problem, error.cure) == ('a.yaml: gain', 'it is 3', 'make it 2')
    assert ConfigError.of(HerRosError('it is 3'), 'gain').source == 'gain'
    assert ConfigError.of(HerRosError('it is 3', source='gain')).source == 'gain'


def test_an_error_keeps_a_class_that_says_more():
    assert type(ConfigError.of(LimitError('it is 3'), 'gain')) is LimitError
    assert type(HerRosError.of(LimitError('it is 3'))) is LimitError


def errors_of(room):
    package = importlib.import_module(f'her_ros.{room}')
    return {
        value
        for module in pkgutil.walk_packages(package.__path__, f'{package.__name__}.')
        for value in vars(importlib.import_module(module.name)).values()
        if inspect.isclass(value)
        and issubclass(value, BaseException)
        and value.__module__.startswith(package.__name__)
    }


@pytest.mark.parametrize('room', ROOMS)
def test_every_error_of_a_room_is_one_that_users_are_shown(room):
    errors = errors_of(room)
    assert errors or room == 'episodes'
    assert all(issubclass(error, HerRosError) for error in errors), errors


@pytest.mark.parametrize('room', ROOMS)
def test_every_error_keeps_its_fields_between_processes(room):
    for kind in errors_of(room):
        error = pickle.loads(pickle.dumps(kind('it is 3', 'make it 2', 'gain')))
        assert type(error) is kind
        assert (error.problem, error.cure, error.source) == ('it is 3', 'make it 2', 'gain')


def classes_of_errors(trees):
    """Return the names of all classes that derive from HerRosError."""
    bases = {
        node.name: {getattr(base, 'id', '') for base in node.bases}
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }
    kinds = {'HerRosError'}
    while more := {name for name, its in bases.items() if its & kinds} - kinds:
        kinds |= more
    return kinds


def handlers_of(tree, kinds):
    """Return the handlers that give an error of these classes a name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler) and node.name and node.type:
            names = {each.id for each in ast.walk(node.type) if isinstance(each, ast.Name)}
            if names & kinds:
                yield node


def parsed_texts(handler):
    """Return where a handler takes the text of its error apart or searches in it."""
    for node in ast.walk(handler):
        parts = []
        if isinstance(node, ast.Attribute | ast.Subscript):
            parts = [node.value]
        elif isinstance(node, ast.Compare):
            parts = [node.left, *node.comparators]
        for part in parts:
            is_text = isinstance(part, ast.Call) and getattr(part.func, 'id', '') == 'str'
            if is_text and any(getattr(each, 'id', '') == handler.name for each in part.args):
                yield part.lineno


def test_no_code_parses_the_text_of_an_error_of_this_package():
    root = Path(her_ros.__file__).parent
    trees = {path: ast.parse(path.read_text('utf-8')) for path in root.rglob('*.py')}
    kinds = classes_of_errors(trees.values())
    assert {'BagError', 'EvaluationDamaged'} <= kinds
    handlers = [(path, each) for path, tree in trees.items() for each in handlers_of(tree, kinds)]
    assert handlers
    found = [f'{path}:{line}' for path, each in handlers for line in parsed_texts(each)]
    assert not found
