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

"""Errors that users see say what to do: every error class or every place that makes one."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / 'her_ros'

# Errors without a cure of their own, by file and class, and why.
WITHOUT_CURE = {
    ('bags/prefetch.py', 'BagError'): 'the traceback of a fault in this package',
    ('learning/training/checkpoint_form.py', '_WrongForm'): 'the error made of it has one',
    ('learning/training/online.py', 'EvaluationDamaged'): 'the trainer evaluates again by itself',
    ('nodes/robot_bridge.py', 'RobotError'): 'the text of publishers.py says it',
    ('orchestration/convert_bags.py', 'HerRosError'): 'the line of another error, with its cure',
    ('orchestration/goal.py', 'HerRosError'): 'the line of a node, with its cure',
    ('runtime/files.py', 'InUse'): 'the holder alone; the error made of it has one',
    ('runtime/last_error.py', 'HerRosError'): 'any exception, for the process that started this',
}


class Errors:
    """
    The error classes of the package, and the calls that make errors.

    :param trees: the modules, by their path in the package
    """

    def __init__(self, trees):
        self.trees = trees
        classes = [
            each
            for tree in trees.values()
            for each in ast.walk(tree)
            if isinstance(each, ast.ClassDef)
        ]
        self.bases = {each.name: [last_name(base) for base in each.bases] for each in classes}
        self.cured = {
            each.name
            for each in classes
            if each.name != 'HerRosError'
            and any('usual_cure' in ast.unparse(line) for line in each.body)
        }

    def family(self, name):
        """Return a class and those above it."""
        return {name}.union(*(self.family(base) for base in self.bases.get(name, [])))

    def without_cure(self):
        """Yield path, line and class of each error that is made without a cure."""
        for path, tree in self.trees.items():
            aliases = aliases_of(tree)
            for call, scopes in calls(tree, [tree]):
                name = last_name(call.func)
                name = aliases.get(name, name)
                family = self.family(name)
                has_none = 'HerRosError' in family and not family & self.cured
                if has_none and not has_cure(call, scopes):
                    yield path, call.lineno, name


def last_name(expression):
    """Return the name of a class: that of `BagError`, and of `errors.BagError`."""
    return getattr(expression, 'id', getattr(expression, 'attr', ''))


def aliases_of(tree):
    """Return the names that a module gives to what it imports: `import X as Y`, `Y = X`."""
    found = {}
    for each in ast.walk(tree):
        if isinstance(each, ast.ImportFrom):
            found |= {name.asname: name.name for name in each.names if name.asname}
        elif isinstance(each, ast.Assign) and (value := last_name(each.value)):
            found |= {name.id: value for name in each.targets if isinstance(name, ast.Name)}
    return found


def calls(node, scopes):
    """Yield every call, and the module and functions that it stands in, the innermost last."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Call):
            yield child, scopes
        inner = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        yield from calls(child, [*scopes, child] if inner else scopes)


def has_cure(call, scopes):
    given = [*call.args[1:2], *(each.value for each in call.keywords if each.arg == 'cure')]
    starred = [each for each in call.args[:2] if isinstance(each, ast.Starred)]
    return bool(given) and not starred and not any(can_be_empty(each, scopes) for each in given)


def can_be_empty(value, scopes):
    """Tell whether a cure is empty or None, or can be by the lines around it."""
    match value:
        case ast.Constant():
            return not value.value
        case ast.JoinedStr():
            return not value.values
        case ast.IfExp():
            return any(can_be_empty(each, scopes) for each in (value.body, value.orelse))
        case ast.BoolOp(op=ast.Or()):
            return can_be_empty(value.values[-1], scopes)
        case ast.Name():
            return any(can_be_empty(each, scopes[:-1]) for each in values_of(value.id, scopes))
    return False


def values_of(name, scopes):
    """Return what the innermost scope that binds a name assigns to it."""
    for scope in reversed(scopes):
        found = [*defaults(scope, name), *assigned(scope, name)]
        if found:
            return found
    return []


def defaults(scope, name):
    if not hasattr(scope, 'args'):
        return []
    arguments = scope.args
    positional = [*arguments.posonlyargs, *arguments.args]
    with_default = [
        *zip(reversed(positional), reversed(arguments.defaults), strict=False),
        *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True),
    ]
    return [value for argument, value in with_default if argument.arg == name and value]


def assigned(scope, name):
    """Return what assignments in a scope, and not in a function within it, give to a name."""
    for child in ast.iter_child_nodes(scope):
        if isinstance(child, ast.Assign | ast.AnnAssign | ast.NamedExpr) and child.value:
            targets = getattr(child, 'targets', [getattr(child, 'target', None)])
            for target in targets:
                yield from values_for(target, child.value, name)
        if not hasattr(child, 'args') or isinstance(child, ast.Call):
            yield from assigned(child, name)


def values_for(target, value, name):
    if isinstance(target, ast.Name) and target.id == name:
        yield value
    elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        for each, part in zip(target.elts, value.elts, strict=False):
            yield from values_for(each, part, name)


def errors_of(**sources):
    return Errors({path: ast.parse(text) for path, text in sources.items()})


@pytest.fixture(scope='module')
def without_cure():
    paths = sorted(PACKAGE.rglob('*.py'))
    sources = {str(each.relative_to(PACKAGE)): each.read_text('utf-8') for each in paths}
    return [*errors_of(**sources).without_cure()]


def test_every_error_has_a_cure(without_cure):
    found = [each for each in without_cure if (each[0], each[2]) not in WITHOUT_CURE]
    assert not found, (
        f'{found}: give the cure as the second argument, such as'
        " ConfigError('gain is 3', 'it must be 2'), or to all errors of a class as usual_cure"
    )


def test_the_exceptions_are_still_needed(without_cure):
    assert {(path, name) for path, _, name in without_cure} == {*WITHOUT_CURE}


BASE = 'class HerRosError: usual_cure = ""\nclass A(HerRosError): pass\n'


@pytest.mark.parametrize(
    'text',
    [
        "A('x')",
        "A('x', '')",
        "A('x', None)",
        "A('x', cure=None)",
        "A('x', source='f')",
        "A('x', f'')",
        "HerRosError('x')",
        "errors.HerRosError('x')",
        "errors.A('x', source='f')",
        "A('x', '' if y else 'do y')",
        "A('x', y or '')",
        'A(*texts)',
        "from errors import A as B\nB('x')",
        "B = A\nB('x')",
        "class B(errors.A): pass\nB('x')",
        "cure = ''\nA('x', cure)",
        "cure = ''\nif y: cure = 'do y'\nA('x', cure)",
        "problem, cure = 'x', ''\nA(problem, cure)",
        "def f(cure=''):\n    A('x', cure)",
        "def f(*, cure=None):\n    A('x', cure=cure)",
        "def f():\n    cure: str = ''\n    with y:\n        A('x', cure)",
    ],
)
def test_a_cure_that_is_missing_or_can_be_empty_is_found(text):
    assert [*errors_of(a=BASE + text).without_cure()]


@pytest.mark.parametrize(
    'text',
    [
        "A('x', 'do y')",
        "A('x', cure='do y')",
        "errors.A('x', 'do y')",
        "A('x', y or 'do y')",
        "A('x', 'do z' if y else 'do y')",
        "other('x')",
        "other.method('x')",
        "cure = 'do y'\nA('x', cure)",
        "def f(cure):\n    A('x', cure)",
        "def f(cure='do y'):\n    A('x', cure)",
        "def g():\n    cure = ''\ndef f(cure):\n    A('x', cure)",
        'class B(A): usual_cure = "do y"\nclass C(B): pass\nC(\'x\')',
    ],
)
def test_an_error_with_a_cure_is_not_reported(text):
    assert not [*errors_of(a=BASE + text).without_cure()]
