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

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
import shutil
from socket import gethostname
from typing import NamedTuple

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from her_ros.bags.reader import read_bag
from her_ros.config.files import read_file
from her_ros.config.shipped import shipped
from her_ros.nodes.messages import bytes_message
from her_ros.nodes.qos import LATCHED, STATUS
from her_ros.orchestration.graph import training_nodes
from her_ros.orchestration.members import Members
from her_ros.orchestration.prepare import arm_overrides, prepare_run
from her_ros.orchestration.worker import clock_note, write_join_file
from her_ros.runtime.join_file import read_join_file
from her_ros.runtime.run_folder import RoleTaken
from her_ros.wire.topics import DIAGNOSTICS
import pytest
from std_msgs.msg import Bool, UInt8MultiArray


@pytest.fixture
def run(tmp_path):
    """Return a run that was started, and runs no more."""
    run = prepare_run('FetchReach', tmp_path / 'runs')
    write_join_file(run, 'her_ros')
    return run


def change(run, **changes):
    path = run.folder.join
    replace(read_join_file(path), **changes).write(path)


def test_a_run_that_cannot_be_joined_is_one_line(her_ros, run, tmp_path):
    cases = [
        (tmp_path, {}, ['no such file', '`her-ros train` writes it']),
        (run.folder.path, {'versions': {'her_ros': '9.9'}}, ['her_ros 9.9', 'same version']),
        (run.folder.path, {'task': 'Juggle', 'versions': {}}, ["task 'Juggle'"]),
        (
            run.folder.path,
            {'task': 'FetchReach', 'versions': {}, 'host': 'far'},
            ['own machine, far', 'SUBNET'],
        ),
        (
            run.folder.path,
            {'host': gethostname(), 'digests': {'task': 'f00'}},
            ['the task of FetchReach is another one here'],
        ),
    ]
    for folder, changes, parts in cases:
        change(run, **changes)
        ended = her_ros('worker', '--join', folder)
        assert ended.status == 1
        (line,) = ended.errors.splitlines()
        assert all(part in line for part in parts), line


def test_an_arm_that_is_another_one_here_is_named(her_ros, tmp_path):
    for name in ('six_joint.yaml', 'six_joint.xml'):
        shutil.copy(shipped(Path('config', 'arms', name), name), tmp_path)
    arm = tmp_path / 'six_joint.yaml'
    run = prepare_run('Reach', tmp_path / 'runs', overrides=arm_overrides(str(arm)))
    write_join_file(run, 'her_ros')
    arm.write_text(arm.read_text().replace('max_opening: 0.08', 'max_opening: 0.07'))
    ended = her_ros('worker', '--join', run.folder.path)
    assert ended.status == 1
    (line,) = ended.errors.splitlines()
    assert 'the arm of Reach is another one here' in line
    assert 'copy the description of the arm' in line


def test_a_finished_run_is_not_joined(her_ros, run):
    run.folder.result.write_text('{}')
    ended = her_ros('worker', '--join', run.folder.path)
    assert ended.status == 0
    assert 'finished already' in ended.output


def test_the_file_says_whether_other_machines_find_the_run(run, monkeypatch):
    found = {}
    for asked in ('', 'LOCALHOST', 'SUBNET'):
        monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', asked)
        monkeypatch.delenv('FASTRTPS_DEFAULT_PROFILES_FILE', raising=False)
        write_join_file(run, '/her_ros/')
        found[asked] = read_join_file(run.folder.join)
    assert [each.is_open for each in found.values()] == [False, False, True]
    assert found[''].namespace == 'her_ros'
    assert found[''].host == gethostname()
    assert found[''].parameters == run.folder.params.read_text()


def test_clocks_that_differ_are_named():
    assert not clock_note(-0.9, 'far')
    assert not clock_note(-float('inf'), 'far')  # not known
    assert clock_note(3600.4, 'far').startswith('the clock of far is 3600 s ahead of the one here')
    assert 'far is 5 s behind' in clock_note(-5.0, 'far')


class Started(NamedTuple):
    """What a worker starts."""

    number: int
    nodes: list[str]
    #: earlier starts of simulation and policy
    earlier: list[int]
    has_ended: Callable[[], bool]


@pytest.fixture
def join(her_ros, monkeypatch):
    """Join a run whose trainer and recorder 100 are heard; tell what would start, and how."""
    started = []

    def listen(namespace, needs_recorder):
        members = Members(namespace)
        for name in ('trainer', 'worker_100/recorder'):
            status = DiagnosticStatus(name=f'/{namespace}/{name}')
            status.values = [KeyValue(key='host', value='far')]
            members.take(DiagnosticArray(status=[status]))
        return members

    def supervise(nodes, folder, make_display, console, has_ended):
        (number,) = {each.parameters['worker'] for each in nodes}
        with pytest.raises(RoleTaken):
            folder.hold('worker', number, patience_s=0.0)
        earlier = [folder.count_start(role, number) for role in ('sim_env', 'policy')]
        started.append(Started(number, [each.name for each in nodes], earlier, has_ended))
        return False

    monkeypatch.setattr('her_ros.orchestration.members.listen', listen)
    monkeypatch.setattr('her_ros.orchestration.worker.supervise', supervise)

    def run(folder):
        for name in ('ROS_DOMAIN_ID', 'RMW_IMPLEMENTATION', 'ROS_AUTOMATIC_DISCOVERY_RANGE'):
            monkeypatch.setenv(name, '')
        ended = her_ros('worker', '--join', folder)
        assert ended.status == 0, ended.errors
        return started[-1]

    return run


def test_with_the_run_folder_a_worker_takes_a_free_number_records_and_ends_with_the_run(run, join):
    folder = run.folder
    with folder.hold('recorder', 100), folder.hold('worker', 101):
        joined = join(folder.path)
    assert joined.number == 102
    assert joined.nodes == ['sim_env', 'policy', 'recorder']
    assert joined.earlier == [0, 0]
    assert not joined.has_ended()
    folder.result.write_text('{}')
    assert joined.has_ended()


def test_a_worker_that_joins_again_takes_its_recorder_and_draws_other_numbers(run, join, tmp_path):
    copies = [tmp_path / 'copy', tmp_path / 'other']
    for copy in copies:
        copy.mkdir()
        shutil.copy(run.folder.join, copy)
    first, again, elsewhere = (join(copy) for copy in (copies[0], *copies))
    for joined in (first, again, elsewhere):
        assert joined.number == 100
        assert joined.nodes == ['sim_env', 'policy']
    # Seeds are drawn from the number of earlier starts.
    assert again.earlier == [count + 1 for count in first.earlier]
    assert not {*elsewhere.earlier} & {*first.earlier, *again.earlier}


def test_a_worker_joins_by_a_copy_from_before_the_renaming_of_a_node(run, join, tmp_path):
    text = run.folder.join.read_text()
    assert 'sim_env' in text
    (tmp_path / 'join.json').write_text(text.replace('sim_env', 'fetch_env'))
    join(tmp_path)
    assert read_file(tmp_path / 'params.yaml') == read_file(run.folder.params)


class Trainer:
    """A trainer that asks for rollouts and publishes policies, but does not learn."""

    def __init__(self, graph, content):
        self._graph = graph
        node = graph.new_node('trainer', '/her_ros')
        self._report = node.create_publisher(DiagnosticArray, DIAGNOSTICS, STATUS)
        self._collection_enabled = node.create_publisher(
            Bool, '/her_ros/collection_enabled', LATCHED
        )
        policies = node.create_publisher(UInt8MultiArray, '/her_ros/policy', LATCHED)
        policies.publish(bytes_message(content))
        self._clock = node.get_clock()

    def until(self, condition, what):
        """Act as a trainer until a condition holds."""

        def tick():
            status = DiagnosticStatus(
                name='/her_ros/trainer', values=[KeyValue(key='host', value='far')]
            )
            report = DiagnosticArray(status=[status])
            report.header.stamp = self._clock.now().to_msg()
            self._report.publish(report)
            self._collection_enabled.publish(Bool(data=True))
            self._graph.spin(0.2)
            return condition()

        return self._graph.until(tick, what, timeout_s=120.0)


def actors(path):
    """List the policy versions that acted in a bag."""
    return {int(v) for e in read_bag(path).episodes for v in e.rows['policy_version'][1:]}


@pytest.mark.nodes
def test_workers_join_with_and_without_the_run_folder_and_one_leaves(
    graph, tmp_path, export_policy
):
    run = prepare_run('FetchReach', tmp_path / 'runs', overrides=['sim_env.num_envs=2'])
    folder, copy = run.folder, tmp_path / 'copy'
    write_join_file(run, 'her_ros')
    copy.mkdir()
    shutil.copy(folder.join, copy)
    (beside,) = (
        each
        for each in training_nodes('her_ros', 0, str(folder.path), 1)
        if 'worker' in each.namespace
    )
    graph.run(*beside.command(folder.params))
    trainer = Trainer(graph, export_policy(version=7))
    trainer.until(lambda: graph.status('/her_ros/worker_100/recorder'), 'the recorder')
    # The domain of the run counts, not that of the user's own shell.
    here = graph.cli('worker', '--join', str(folder.path), ROS_DOMAIN_ID='77')
    there = graph.cli('worker', '--join', str(copy), '--threads', '2')

    def follows(worker):
        """Whether a worker follows the trainer, instead of acting at random for ever."""
        rollouts = sorted(folder.bags.glob(f'*_w{worker}_*.mcap'))
        return rollouts and 7 in actors(rollouts[-1])

    for worker in (100, 101):
        trainer.until(lambda w=worker: follows(w), f'actions of the policy by worker {worker}')
    assert 'worker 101 of FetchReach' in here.output
    assert 'worker 100 of FetchReach' in there.output
    there.interrupt()
    folder.result.write_text('{}')
    assert (there.ended(), here.ended()) == (0, 0)
    assert 'left the run' in there.output
    assert 'the run has finished' in here.output
