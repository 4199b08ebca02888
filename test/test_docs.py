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

"""The pages: their links, and that what they tell to type is taken by the real commands."""

import ast
from dataclasses import replace
from pathlib import Path
import re
import shlex
from typing import Protocol

from her_ros.arms.registry import read_arm
from her_ros.cli.main import app, number_or_not
from her_ros.config.files import complete, read_file, with_overrides
from her_ros.config.run_parameters import params_for
from her_ros.orchestration.prepare import training_names
from her_ros.sim.simulation import Simulation
from her_ros.tasks.goal_task import GoalTask
from her_ros.tasks.registry import task_named
import numpy as np
import pytest
from reference_pages.commands import launch_arguments
from reference_pages.topics import all_endpoints
from typer.main import get_command

ROOT = Path(__file__).parent.parent
PAGES = sorted(
    path
    for pattern in ('*.md', 'docs/**/*.md', 'bench/*.md', 'models/*/*.md')
    for path in ROOT.glob(pattern)
    if 'generated' not in path.parts
)
GUIDES = [
    *(ROOT / name for name in ('README.md', 'CONTRIBUTING.md', 'docs/getting_started.md')),
    *(page for page in PAGES if page.parent.name in ('tutorials', 'how_to')),
]


def named(path):
    return str(path.relative_to(ROOT))


def anchors(page):
    """List the anchors of a page's headings, as GitHub and MyST make them."""
    text = re.sub(r'```.*?```', '', page.read_text(), flags=re.S)
    titles = re.findall(r'^#+ (.*)$', text, re.M)
    return {re.sub(r'[^\w\- ]', '', title.lower()).replace(' ', '-') for title in titles}


@pytest.mark.parametrize('page', PAGES, ids=named)
def test_links_lead_somewhere_and_nothing_is_left_to_fill_in(page):
    text = page.read_text()
    assert not re.findall(r'@[A-Z]+@', text)
    for link, anchor in re.findall(r'\]\(([^)#\s]*)#?([^)]*)\)', text):
        if not link.startswith('http'):
            target = page.parent / link if link else page
            assert target.exists(), link
            assert not anchor or anchor in anchors(target), f'{link}#{anchor}'


@pytest.mark.parametrize('page', PAGES, ids=named)
def test_the_modules_that_a_page_names_exist(page):
    for path in re.findall(r'`((?:\w+/)+\w+\.py)`', page.read_text()):
        if not path.endswith('/drawer.py'):  # the tutorial on tasks writes it
            assert (ROOT / path).is_file() or (ROOT / 'her_ros' / path).is_file(), path


def test_every_page_is_in_a_table_of_contents():
    entries = {
        path
        for index in PAGES
        for block in re.findall(r'```\{toctree\}(.*?)```', index.read_text(), re.S)
        for line in block.splitlines()
        if line and not line.startswith(':')
        for path in index.parent.glob(re.sub(r'.*<(.*)>', r'\1', line.strip()) + '.md')
    }
    entries = {path.resolve() for path in entries} | {ROOT / 'docs' / 'index.md'}
    assert {page for page in PAGES if page.is_relative_to(ROOT / 'docs')} <= entries


BLOCKS = [
    pytest.param(block, id=f'{page.relative_to(ROOT)}-{number}')
    for page in PAGES
    for number, block in enumerate(re.findall(r'```yaml\n(.*?)```', page.read_text(), re.S))
]


def test_there_are_parameter_files_in_the_docs():
    names = {param.id.partition('-')[0] for param in BLOCKS}
    assert names >= {
        'docs/how_to/robot.md',
        'docs/how_to/agents.md',
        'docs/how_to/your_robot.md',
        'models/FetchPush/README.md',
    }


@pytest.mark.parametrize('block', BLOCKS)
def test_a_parameter_file_of_the_docs_is_one_that_commands_take(tmp_path, block):
    path = tmp_path / 'params.yaml'
    path.write_text(block)
    if block.startswith('model:'):
        assert read_arm(path).arm.joints
        return
    tasks = {values['task'] for values in read_file(path).values() if 'task' in values}
    (task,) = tasks
    nodes = [] if 'robot_bridge' in block else training_names()
    assert params_for(task, path, nodes) == path


def blocks_of(page, *languages):
    fences = re.findall(r'^```([^\n]*)\n(.*?)^```$', page.read_text(), re.S | re.M)
    return [block for language, block in fences if language in languages]


def typed(page):
    """List the commands of a page: lines of blocks without a language, or in bash."""
    blocks = blocks_of(page, '', 'bash')
    lines = (line for block in blocks for line in block.replace('\\\n', ' ').splitlines())
    commands = (each for line in lines for each in line.split(' && '))
    return [
        command for each in commands if (command := re.sub(r'\s+# .*|^# .*', '', each).strip())
    ]


COMMANDS = {command: None for page in GUIDES for command in typed(page)}
#: tasks that pages make up
INVENTED = ('Drawer',)


def check_her_ros(words):
    """Parse a command line with the real parser; check its task and its overrides."""
    command, arguments = get_command(app), [*map(number_or_not, words)]
    while hasattr(command, 'commands'):
        command = command.commands[arguments.pop(0)]
    given = command.make_context('her-ros', arguments).params
    if given.get('task') and given['task'] not in INVENTED:
        task_named(given['task'])
    with_overrides(complete({}), given.get('override') or [])


def check_make(words):
    targets = re.findall(r'^([\w-]+):', (ROOT / 'Makefile').read_text(), re.M)
    for word in words:
        assert word in targets or word.split('=')[0] in ('TASK', 'ARGS', 'PYTHON'), word


def check_python(words):
    script = words[0]
    assert script == '-m' or (ROOT / script).is_file(), script


def check_ros2(words):
    match words:
        case ['launch', 'her_ros', file, *arguments]:
            path = ROOT / 'launch' / file
            known = {name for name, *_ in launch_arguments(ast.parse(path.read_text()))}
            given = {argument.partition(':=')[0] for argument in arguments if ':=' in argument}
            assert given <= known, given - known
        case ['run', 'her_ros', node, *_]:
            assert node == 'her-ros' or (ROOT / 'her_ros' / 'nodes' / f'{node}.py').exists()
        case ['run', 'rmw_zenoh_cpp', 'rmw_zenohd', *_]:
            pass
        case ['service', 'call', name, kind, *_]:
            node, _, service = name.rpartition('/')
            assert (node.rpartition('/')[2], f'~/{service}', kind.replace('/srv/', '/')) in {
                (owner, each.name, each.type)
                for each in all_endpoints()
                if each.role == 'serves'
                for owner in each.nodes
            }
        case ['topic', 'pub', '--once', name, kind, *_]:
            ends = {(each.name, each.type) for each in all_endpoints()}
            assert (name.rpartition('/')[2], kind.replace('/msg/', '/')) in ends
        case ['topic', 'echo' | 'hz', name] | ['bag', 'record', name]:
            assert {name, name.rpartition('/')[2]} & {each.name for each in all_endpoints()}
        case ['param', 'list' | 'describe' | 'set', name, *_]:
            node = name.rpartition('/')[2]
            assert (ROOT / 'her_ros' / 'nodes' / f'{node}.py').exists()
        case _:
            pytest.fail(f'nothing checks this command: ros2 {shlex.join(words)}')


CHECKS = {'her-ros': check_her_ros, 'make': check_make, 'python': check_python, 'ros2': check_ros2}
#: programs of others
OTHERS = (
    'act',
    'apt',
    'cd',
    'cmake',
    'colcon',
    'cp',
    'docker',
    'export',
    'git',
    'install_beside_ros.sh',
    'mkdir',
    'openssl',
    'pip',
    'rosdep',
    'ray',
    'rviz2',
    'scp',
    'source',
    'sudo',
    'systemctl',
    'ssh',
    'tensorboard',
)


@pytest.mark.parametrize('command', COMMANDS)
def test_a_command_of_the_pages_is_one_that_exists(command):
    words = shlex.split(command)
    if words[0] == 'torchrun':
        begin = words.index('her_ros.cli.main') + 1
        words = ['her-ros', *words[begin:]]
    program = words[0].rpartition('/')[2]
    if program in CHECKS:
        CHECKS[program](words[1:])
    else:
        assert program in OTHERS


def test_the_commands_of_the_tutorial_on_bags_do_what_it_says(
    monkeypatch, capsys, tmp_path, recorded_run
):
    monkeypatch.chdir(tmp_path)
    small = {'train-offline': ['--updates', '2'], 'evaluate': ['--episodes', '2']}
    done = []
    for command in typed(ROOT / 'docs/tutorials/bags_to_policy.md'):
        words = shlex.split(command)
        if words[0] != 'her-ros' or words[1] == 'train':
            continue  # the fixture has recorded a run
        with pytest.raises(SystemExit) as end:
            app([*words[1:], *small.get(words[1], [])])
        assert not end.value.code, command
        done.append(words[1])
    assert done == ['bags', 'bags', 'train-offline', 'evaluate']
    assert 'success' in capsys.readouterr().out
    assert {*(path.name for path in (tmp_path / 'offline').iterdir())} >= {
        'policy.onnx', 'checkpoint', 'tensorboard', 'params.yaml', 'result.json',
    }  # fmt: skip


@pytest.mark.parametrize(
    'page', ['README.md', 'docs/tutorials/bags_to_policy.md', 'docs/how_to/python.md']
)
def test_the_python_of_a_page_runs(page, monkeypatch, tmp_path, recorded_run):
    monkeypatch.chdir(tmp_path)
    blocks = blocks_of(ROOT / page, 'python')
    assert blocks
    for block in blocks:
        exec(block, {})


def test_the_recipe_for_table_and_camera_finds_both(capsys):
    (recipe,) = blocks_of(ROOT / 'docs/how_to/your_robot.md', 'python')
    exec(recipe, names := {})
    # made of a camera 0.7 m above the base and 0.5 m ahead that looks down, with errors of 1 mm
    assert names['position'] == pytest.approx([0.5, 0.0, 0.7], abs=0.015)
    assert names['height'] == pytest.approx(-0.1, abs=1e-3)
    assert names['rotation'] == pytest.approx(np.diag([1.0, -1.0, -1.0]), abs=0.02)
    # any other transform, without errors
    turn, shift = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0], [0.3, 0.2, 0.9]
    turn *= np.linalg.det(turn)
    seen = (names['touched'] - shift) @ turn
    changed = re.sub('^seen = .*', f'seen = np.array({seen.tolist()})', recipe, flags=re.M)
    exec(changed, names := {})
    assert names['position'] == pytest.approx(shift)
    assert names['rotation'] == pytest.approx(turn)
    y, p, r = names['yaw'], names['pitch'], names['roll']
    about_z = np.array([[np.cos(y), -np.sin(y), 0], [np.sin(y), np.cos(y), 0], [0, 0, 1]])
    about_y = np.array([[np.cos(p), 0, np.sin(p)], [0, 1, 0], [-np.sin(p), 0, np.cos(p)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(r), -np.sin(r)], [0, np.sin(r), np.cos(r)]])
    assert about_z @ about_y @ about_x == pytest.approx(turn)
    assert 'sides differ by, m: 0.0013' in capsys.readouterr().out


def test_the_task_of_the_tutorial_has_a_simulation_that_moves():
    page = ROOT / 'docs/tutorials/own_task.md'
    entry, simulation, symmetries = blocks_of(page, 'python')
    names = {'GoalTask': GoalTask, 'FETCH_TASKS': {}}
    for block in (entry, simulation, symmetries):
        exec(block, names)
    ((name, task),) = names['OWN_TASKS'].items()
    assert (name, task.simulation) == (task.name, 'her_ros.sim.drawer:Drawer')
    drawers = names['Drawer'](task, [0, 1])
    assert {each for each in vars(Simulation) if callable(vars(Simulation)[each])} - {
        *vars(object), *vars(Protocol), '_no_init_or_replace_init', '__init__',
    } <= {*vars(names['Drawer'])}  # fmt: skip
    before = drawers.reset(seeds=[0, 1])
    assert before.observation.shape == (2, task.observation_size)
    after = drawers.step(np.ones((2, task.action_size), np.float32))
    assert (after.achieved_goal > before.achieved_goal).all()
    assert replace(task, symmetries=names['symmetries']).symmetries
