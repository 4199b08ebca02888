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

"""The public Python API: what its names are, and what they do together."""

import ast
import importlib.util
from pathlib import Path
import re
import sys

import her_ros
import numpy as np
import pytest

ROOT = Path(__file__).parent.parent


def test_every_public_name_is_there_once_and_documented():
    assert len(her_ros.__all__) == len({*her_ros.__all__})
    for name in her_ros.__all__:
        assert getattr(her_ros, name).__doc__, name
    assert {*dir(her_ros)} >= {*her_ros.__all__}


def test_type_checkers_see_the_names_that_are_loaded():
    tree = ast.parse(Path(her_ros.__file__).read_text('utf-8'))
    seen = {
        alias.name: node.module
        for block in tree.body
        if isinstance(block, ast.If)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.asname is None
    }
    assert seen == her_ros._MODULES
    assert {'__version__', *seen} == {*her_ros.__all__}


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'her_ros' has no attribute 'Episodes'"):
        _ = her_ros.Episodes
    assert not hasattr(her_ros, 'anything')


@pytest.mark.parametrize('page', ['README.md', 'docs/how_to/python.md'])
def test_three_lines_sample_a_relabelled_batch_of_bags(page, monkeypatch, tmp_path, recorded_run):
    text = (ROOT / page).read_text('utf-8')
    (block,) = re.findall(r'```python\n(import her_ros as hr\n.*?read_episodes.*?)```', text, re.S)
    lines = [line for line in block.splitlines() if line and not line.startswith('import')]
    assert len([line for line in lines if not line.startswith('print')]) == 3
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(block, names)
    batch, task = names['batch'], her_ros.task_named('FetchReach')
    assert len(batch.reward) == 256
    relabelled = task.reward(batch.next_achieved_goal, batch.goal)
    np.testing.assert_array_equal(batch.reward, relabelled)
    # k = 4: four of five get a goal from later in their episode. No walk comes near its own.
    is_relabelled = batch.steps_to_goal > 0
    assert is_relabelled.double().mean() == pytest.approx(0.8, abs=0.1)
    assert (batch.reward[~is_relabelled] == -1).all()
    assert (batch.reward[batch.steps_to_goal == 1] == 0).all()


def test_the_other_examples_of_the_page_run(capsys):
    text = (ROOT / 'docs/how_to/python.md').read_text('utf-8')
    blocks = re.findall(r'```python\n(.*?)```', text, re.S)
    arrays, originals = (
        next(block for block in blocks if part in block)
        for part in ('from_arrays', 'register_robotics')
    )
    exec(arrays, {})
    exec(originals, {})
    assert capsys.readouterr().out == '50 True -46.0\nTrue\n'


def test_the_example_learns_an_environment_of_ones_own_without_ros(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, 'rclpy', None)
    spec = importlib.util.spec_from_file_location('example', ROOT / 'examples/own_environment.py')
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    before, after = example.train(rollouts=20)
    assert before < 0.1
    assert after > 0.9
    assert len(capsys.readouterr().out.splitlines()) == 4
