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


class Errors(ast.NodeVisitor):
    """The error classes of the package, and the calls that make errors.

    :param trees: the modules, by their path in the package
    """

    def __init__(self, trees):
        self.trees = trees
        self.bases = {
            each.name: [getattr(base, 'id', '') for base in each.bases]
            for tree in trees.values()
            for each in ast.walk(tree)
            if isinstance(each, ast.ClassDef)
        }
        self.cured = {
            each.name
            for tree in trees.values()
            for each in ast.walk(tree)
            if isinstance(each, ast.ClassDef)
            and each.name != 'HerRosError'
            and any('usual_cure' in ast.unparse(line) for line in each.body)
        }

    def family(self, name):
        """Return a class and those above it."""
        return {name}.union(*(self.family(base) for base in self.bases.get(name, [])))

    def without_cure(self):
        """Yield path, line and class of each error that is made without a cure."""
        for path, tree in self.trees.items():
            for call in ast.walk(tree):
                name = getattr(getattr(call, 'func', None), 'id', '')
                family = self.family(name)
                if 'HerRosError' in family and not family & self.cured and not has_cure(call):
                    yield path, call.lineno, name


def has_cure(call):
    given = [*call.args[1:2], *(each.value for each in call.keywords if each.arg == 'cure')]
    return any(ast.unparse(each) != "''" for each in given)


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


def test_a_cure_that_is_missing_or_empty_is_found():
    base = 'class HerRosError: usual_cure = ""\nclass A(HerRosError): pass\n'
    for call in ("A('x')", "A('x', '')", "A('x', source='f')", "HerRosError('x')"):
        assert [*errors_of(a=base + call).without_cure()], call
    for call in ("A('x', 'do y')", "A('x', cure='do y')", "other('x')"):
        assert not [*errors_of(a=base + call).without_cure()], call
    inherited = 'class B(A): usual_cure = "do y"\nclass C(B): pass\n'
    assert not [*errors_of(a=base + inherited + "C('x')").without_cure()]
