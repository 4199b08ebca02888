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

import json
import re
import subprocess
import sys

from her_ros.bags.reader import read_bag
from her_ros.bags.writer import write_rollout
from her_ros.tasks.registry import TASKS
from her_ros.wire.rows import step_dtype
import numpy as np
import pytest

LENGTH = 6


def rollout(task, session, episode=0, seed=0):
    """Messages of two environments that keep the contract."""
    random = np.random.default_rng([seed, session, episode])
    rows = np.zeros((LENGTH + 1, 2), step_dtype(task))
    rows['session'], rows['episode'], rows['env'] = session, episode, [0, 1]
    rows['step'] = np.arange(LENGTH + 1)[:, None]
    rows['observation'] = random.normal(0.0, 0.01, rows['observation'].shape)
    rows['achieved_goal'] = random.normal(size=rows['achieved_goal'].shape)
    rows['desired_goal'] = random.normal(size=(2, 3))
    moved = rows[1:]
    moved['action'] = random.uniform(-1, 1, moved['action'].shape)
    moved['reward'] = task.reward(moved['achieved_goal'], moved['desired_goal'])
    moved['is_success'] = task.is_success(moved['achieved_goal'], moved['desired_goal'])
    moved['policy_version'] = session
    rows['truncated'][-1] = 1
    return list(rows)


@pytest.fixture
def run(tmp_path):
    """Return a run folder with four bags."""
    folder = tmp_path / 'run [1]' / 'bags'
    folder.mkdir(parents=True)
    for each in range(4):
        messages = rollout(TASKS['FetchPush'], 30 + each)
        write_rollout(folder, f'b{each}', {'task': 'FetchPush'}, messages, period_s=0.04)
    return folder.parent


def test_info_describes_the_recording(her_ros, run):
    ended = her_ros('bags', 'info', run)
    assert (ended.status, ended.errors) == (0, '')
    for row in (
        '4 bags', 'task +│ FetchPush', 'episodes +│ 8', 'steps +│ 48', 'success +│ 0.0%',
        'failures HER can use +│ 100.0%', r'policy versions +│ 30 … 33', r'/step +│ 28 ',
    ):  # fmt: skip
        assert re.search(row, ended.output), row
    each = her_ros('bags', 'info', run, '--each').output
    assert each.count('.mcap') == 4


def test_info_in_json(her_ros, run):
    ended = her_ros('bags', 'info', run / 'bags', run / 'bags' / 'b1.mcap', '--json')
    told = json.loads(ended.output)
    assert told['total']['episodes'] == sum(bag['episodes'] for bag in told['bags']) == 8
    assert told['total']['topics'] == {'/step': 28}
    assert [bag['paths'] for bag in told['bags']] == [
        [str(run / 'bags' / f'b{each}.mcap')] for each in range(4)
    ]


def test_info_counts_messages_stamped_0(her_ros, tmp_path):
    messages = rollout(TASKS['FetchPush'], 1)
    write_rollout(tmp_path, 'a', {'task': 'FetchPush'}, messages, start_ns=0, period_s=0.5)
    path = tmp_path / 'a.mcap'
    # One of seven; the others span 2.5 s.
    assert re.search('stamped 0, .* 1 ', her_ros('bags', 'info', path).output)
    (told,) = json.loads(her_ros('bags', 'info', path, '--json').output)['bags']
    assert (told['unstamped_messages'], told['duration_s']) == (1, 2.5)


def test_a_damaged_bag_does_not_hide_the_others(her_ros, run):
    bags = sorted((run / 'bags').iterdir())
    bags[1].write_bytes(bags[1].read_bytes()[:-9])
    ended = her_ros('bags', 'info', run)
    assert ended.status == 0
    assert re.search(r'episodes +│ 6 ', ended.output)
    assert re.search(r'bags that cannot be read +│ 1 of 4', ended.output)
    (line,) = ended.errors.splitlines()
    assert line.startswith(f'{bags[1]}: the file is cut short')
    alone = her_ros('bags', 'info', bags[1])
    assert alone.status == 1


def test_verify_counts_and_names_faults(her_ros, run, tmp_path):
    ended = her_ros('bags', 'verify', run)
    assert ended == (0, '4 bags, 8 episodes, 56 rows, no faults\n', '')
    messages = rollout(TASKS['FetchPush'], 5)
    for rows in messages[1:]:
        rows['reward'] = 1
    messages[3]['action'][1, 2] = -2
    bad = write_rollout(tmp_path, 'bad', {'task': 'FetchPush'}, messages)
    ended = her_ros('bags', 'verify', run, bad)
    assert ended.status == 1
    lines = ended.output.splitlines()
    assert lines[-1] == '5 bags, 10 episodes, 70 rows, 13 faults'
    assert len(lines) == 14
    assert all(line.startswith(f'{bad}: /step: session 5, episode 0, env ') for line in lines[:-1])


def test_verify_shows_some_of_many_and_all_on_demand(her_ros, tmp_path):
    for each in range(3):
        messages = rollout(TASKS['FetchPush'], each)
        for rows in messages[1:]:
            rows['reward'] = 1
        write_rollout(tmp_path, str(each), {'task': 'FetchPush'}, messages)
    (tmp_path / 'two').mkdir()
    messages = [m for session in (7, 8) for m in rollout(TASKS['FetchPush'], session)]
    for rows in messages:
        rows['action'] = 2
    path = write_rollout(tmp_path / 'two', 'a', {'task': 'FetchPush'}, messages)
    lines = her_ros('bags', 'verify', path).output.splitlines()
    # Of 28 rows all are out of range, and the 4 of step 0 are not zero.
    assert f'{path}: 8 more: action not within [-1, 1]; --all prints them' in lines
    assert len(lines) == 20 + 1 + 4 + 1
    assert len(her_ros('bags', 'verify', path, '--all').output.splitlines()) == 28 + 4 + 1


def test_recover_prints_what_was_recovered_and_lost(her_ros, run):
    bag = run / 'bags' / 'b0.mcap'
    bag.write_bytes(bag.read_bytes()[:-30])
    ended = her_ros('bags', 'recover', bag)
    assert ended.status == 0
    lines = ended.output.splitlines()
    out = bag.with_name('b0_recovered')
    assert lines[0] == f'{out}: recovered from {bag}'
    assert '7 messages on /step' in lines
    assert '2 finished episodes' in lines
    assert 'damage: the file is cut short' in lines
    assert len(read_bag(out).episodes) == 2
    again = her_ros('bags', 'recover', bag)
    assert again.status == 1
    assert (
        again.errors
        == f'her-ros: {out}: exists already, and bags are never overwritten; name another\n'
    )


def test_merge_prints_its_result(her_ros, run, tmp_path):
    ended = her_ros('bags', 'merge', run, '--out', tmp_path / 'merged')
    assert ended.status == 0
    assert ended.output.splitlines() == [
        f'{tmp_path}/merged: 4 bags of FetchPush, 8 episodes',
        '28 messages on /step',
    ]
    assert len(read_bag(tmp_path / 'merged').episodes) == 8
    info = her_ros('bags', 'info', tmp_path / 'merged').output
    assert re.search(r'episodes +│ 8 ', info)


@pytest.mark.parametrize('command', ['info', 'verify', 'recover', 'merge'])
@pytest.mark.parametrize('kind', ['missing', 'text', 'empty folder', 'no task'])
def test_what_is_no_bag_is_one_line_and_status_1(her_ros, tmp_path, command, kind):
    path = tmp_path / 'it.mcap'
    if kind == 'text':
        path.write_text('no bag, but a text that is long enough to have a footer')
    elif kind == 'empty folder':
        path.mkdir()
    elif kind == 'no task':
        write_rollout(tmp_path, 'it', {}, rollout(TASKS['FetchPush'], 1))
        if command == 'recover':
            pytest.skip('recovers messages of any task')
    arguments = [path, *(['--out', tmp_path / 'out'] if command == 'merge' else [])]
    ended = her_ros('bags', command, *arguments)
    assert ended.status == 1
    lines = [line for line in (ended.output + ended.errors).splitlines() if str(path) in line]
    said = [line for line in lines if line.removeprefix('her-ros: ').startswith(f'{path}: ')]
    assert len(said) == 1
    assert not (tmp_path / 'out').exists()


@pytest.mark.parametrize('command', ['info', 'verify', 'merge'])
def test_an_unknown_task_is_named(her_ros, run, tmp_path, command):
    more = ['--out', tmp_path / 'out'] if command == 'merge' else []
    ended = her_ros('bags', command, run, '--task', 'FetchPsh', *more)
    assert ended.status == 1
    assert ended.errors.startswith("her-ros: task 'FetchPsh' is unknown; choose one of FetchReach")


@pytest.mark.parametrize('command', ['info', 'verify', 'recover', 'merge'])
def test_every_command_has_an_example_and_describes_its_options(her_ros, command):
    output = her_ros('bags', command, '--help').output
    assert f'her-ros bags {command} ' in output
    for line in output.splitlines():
        if ' --' in line and line.startswith('│'):
            assert len(line.strip('│ ').split()) >= 4, line


PROGRAM = """
import sys
from her_ros.cli.main import main
run, merged, recovered, bag = sys.argv[1:]
for command in (
    ['info', run],
    ['verify', run],
    ['merge', run, '--out', merged],
    ['recover', bag, '--out', recovered],
):
    sys.argv = ['her-ros', 'bags', *command]
    try:
        main()
    except SystemExit as end:
        assert not end.code, command
print(*sys.modules, file=sys.stderr)
"""


def test_neither_ros_nor_torch_nor_mujoco_is_needed(run, tmp_path):
    arguments = [run, tmp_path / 'merged', tmp_path / 'recovered', run / 'bags' / 'b0.mcap']
    command = [sys.executable, '-c', PROGRAM, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    loaded = set(done.stderr.split())
    assert {'rosbags', 'mcap', 'her_ros.bags.inspection.verify'} <= loaded
    assert not loaded & {'rclpy', 'torch', 'mujoco', 'onnxruntime', 'gymnasium'}
