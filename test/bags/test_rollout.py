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

import her_ros
from her_ros.bags.errors import BagError
from her_ros.bags.reader import read_bag, read_bag_metadata
from her_ros.bags.rollout import RolloutRecorder, run_metadata
from her_ros.bags.writer import write_rollout
from her_ros.nodes.hints import is_rollout_name
from her_ros.tasks.registry import TASKS
from her_ros.wire.cloud import encode_cloud
from her_ros.wire.rows import action_dtype, disturbed_step_dtype, RowError, with_truth
from her_ros.wire.sessions import Sessions
import numpy as np
import pytest

TOPIC = '/run/worker_2/step'
ACTION_TOPIC = '/run/worker_2/action'


@pytest.fixture
def clock():
    """Return a clock to set by hand."""

    class Clock:
        now = 10.0

    return Clock


@pytest.fixture
def make_recorder(tmp_path, push, clock):
    metadata = {'task': push.name, 'note': 'x'}
    return lambda: RolloutRecorder(push, tmp_path, 2, metadata, Sessions(clock=lambda: clock.now))


@pytest.fixture
def recorder(make_recorder):
    return make_recorder()


@pytest.fixture
def rollout(make_rollout):
    """Make step messages of a rollout with a number."""

    def make(episode=1, session=7, lengths=(5, 5)):
        messages = make_rollout(lengths, session=session, seed=episode)
        for rows in messages:
            rows['episode'] = episode
        return messages

    return make


def feed(recorder, messages):
    """Return the bags that came out."""
    paths = [
        recorder.step(TOPIC, encode_cloud(rows, stamp), stamp)
        for stamp, rows in enumerate(messages, start=1)
    ]
    return [path for path in paths if path is not None]


def visible(folder):
    return sorted(path for path in folder.iterdir() if not path.name.startswith('.'))


def test_every_rollout_becomes_one_bag_with_its_rows(
    tmp_path, recorder, rollout, expected_of, same
):
    for episode in (1, 2, 3):
        messages = rollout(episode)
        assert not feed(recorder, messages[:-1])  # nothing before the last row
        assert len(visible(tmp_path)) == episode - 1
        (path,) = feed(recorder, messages[-1:])
        assert visible(tmp_path)[-1] == path
        bag = read_bag(path)
        assert same([e.rows for e in bag.episodes], expected_of(messages))
        assert bag.left_over == 0
    assert (recorder.kept, recorder.dropped) == (3, 0)


def test_names_tell_worker_session_and_rollout(recorder, rollout):
    (path,) = feed(recorder, rollout(episode=12, session=0xABCDEF))
    assert path.name.endswith('_w002_00abcdef_000012.mcap')


def test_metadata_says_which_versions_acted(recorder, rollout):
    messages = rollout()
    for step, rows in enumerate(messages):
        rows['policy_version'] = 10 if step > 2 else 9 * (step > 0)
    (path,) = feed(recorder, messages)
    # the zeros of step 0 are no version
    assert read_bag_metadata(path) == {'task': 'FetchPush', 'note': 'x', 'policy_version': '9 10'}


def test_a_hole_drops_its_rollout_and_no_other(tmp_path, recorder, rollout):
    messages = rollout(1)
    assert not feed(recorder, messages[:2] + messages[3:])
    assert len(feed(recorder, rollout(2))) == 1
    assert (recorder.kept, recorder.dropped) == (1, 1)
    assert len(list(tmp_path.iterdir())) == 1


def test_a_hole_in_a_single_environment_drops_the_rollout(recorder, rollout):
    messages = rollout(1)
    messages[3] = messages[3][:1]
    assert not feed(recorder, messages)
    assert (recorder.kept, recorder.dropped) == (0, 1)


def test_who_comes_late_waits_for_the_next_rollout(recorder, rollout):
    assert not feed(recorder, rollout(1)[2:])
    assert len(feed(recorder, rollout(2))) == 1
    assert (recorder.kept, recorder.dropped) == (1, 1)


def test_repeated_messages_are_kept_once(recorder, rollout, expected_of, same):
    messages = rollout()
    stutter = [rows for rows in messages for _ in range(3)]
    (path,) = feed(recorder, stutter)
    bag = read_bag(path)
    assert same([e.rows for e in bag.episodes], expected_of(messages))
    assert bag.left_over == 0
    assert recorder.dropped == 0


def test_old_steps_after_newer_ones_change_nothing(recorder, rollout, expected_of, same):
    messages = rollout()
    (path,) = feed(recorder, [*messages[:4], messages[1], messages[0], *messages[4:]])
    assert same([e.rows for e in read_bag(path).episodes], expected_of(messages))


def test_an_older_rollout_is_ignored(recorder, rollout):
    messages = rollout(2)
    old = rollout(1)
    assert len(feed(recorder, [*messages[:3], *old, *messages[3:]])) == 1
    assert (recorder.kept, recorder.dropped) == (1, 0)


def test_halves_may_take_turns(recorder, rollout, expected_of, same):
    messages = rollout(lengths=(5, 5, 5, 5))
    halves = [half for rows in messages for half in (rows[2:], rows[:2])]
    (path,) = feed(recorder, halves)
    assert same([e.rows for e in read_bag(path).episodes], expected_of(messages))


def test_episodes_may_end_one_after_the_other(recorder, rollout, expected_of, same):
    messages = rollout(lengths=(3, 7, 5))
    paths = feed(recorder, messages)
    assert len(paths) == 1
    assert same([e.rows for e in read_bag(paths[0]).episodes], expected_of(messages))


def test_a_new_session_follows_one_that_is_silent(recorder, rollout, clock):
    old = rollout(8, session=7)
    assert not feed(recorder, old[:3])
    clock.now += 1.0
    assert len(feed(recorder, rollout(1, session=3))) == 1  # smaller numbers, yet newer
    assert not feed(recorder, old[3:])  # late
    assert (recorder.kept, recorder.dropped) == (1, 1)


def test_of_two_sessions_the_first_is_recorded_whole(recorder, rollout, expected_of, same):
    own, foreign = rollout(session=7), rollout(session=8)
    paths = feed(recorder, [rows for pair in zip(own, foreign, strict=True) for rows in pair])
    (bag,) = map(read_bag, paths)
    assert same([e.rows for e in bag.episodes], expected_of(own))
    assert (recorder.kept, recorder.dropped) == (1, 0)
    assert recorder.sessions.refused == len(foreign)


def test_rows_of_another_session_within_a_message_are_left_out(
    recorder, rollout, expected_of, same
):
    own, foreign = rollout(session=7), rollout(session=8, lengths=(9,) * 4)
    mixed = [np.concatenate(pair) for pair in zip(own, foreign[1:], strict=False)]
    (bag,) = map(read_bag, feed(recorder, mixed))
    assert same([e.rows for e in bag.episodes], expected_of(own))
    assert recorder.kept == 1


def test_actions_stand_beside_the_steps(recorder, rollout, push):
    answers = np.zeros(2, action_dtype(push))
    recorder.action(ACTION_TOPIC, encode_cloud(answers, 1), 1)  # no rollout yet: of no use
    messages = rollout()
    for rows in messages[:-1]:
        feed(recorder, [rows])
        recorder.action(ACTION_TOPIC, encode_cloud(answers, 2), 2)
    (path,) = feed(recorder, messages[-1:])
    bag = read_bag(path)
    assert bag.topics == (TOPIC,)
    assert path.read_bytes().count(ACTION_TOPIC.encode()) > 0
    assert len(bag.episodes) == 2


def test_messages_of_another_task_are_refused_and_do_no_harm(recorder, rollout, make_rollout):
    messages = rollout()
    feed(recorder, messages[:3])
    foreign = make_rollout(task=TASKS['FetchReach'])
    with pytest.raises(RowError, match='observation'):
        feed(recorder, foreign[:1])
    assert not feed(recorder, [messages[0][:0]])  # no rows at all
    assert len(feed(recorder, messages[3:])) == 1


def test_a_number_that_is_no_environment_is_refused(recorder, rollout):
    messages = rollout()
    feed(recorder, messages[:3])
    noise = messages[3].copy()
    noise['env'][1] = 2**32 - 1  # would need 34 GB of memory
    with pytest.raises(RowError, match='env is 4294967295'):
        feed(recorder, [noise])
    assert len(feed(recorder, messages[3:])) == 1


def test_close_drops_what_is_not_finished(tmp_path, recorder, rollout):
    feed(recorder, rollout()[:-1])
    assert list(tmp_path.iterdir())
    recorder.close()
    assert not list(tmp_path.iterdir())
    assert recorder.dropped == 1


def test_remains_of_a_killed_recorder_go_at_the_next_start(tmp_path, make_recorder, rollout):
    feed(make_recorder(), rollout(4)[:-1])  # never closed
    (torn,) = tmp_path.iterdir()
    of_another_worker = tmp_path / torn.name.replace('_w002_', '_w003_')
    of_another_worker.touch()
    recorder = make_recorder()
    assert list(tmp_path.iterdir()) == [of_another_worker]
    # the rest of the rollout has no beginning now; the next one has
    assert not feed(recorder, rollout(4)[-1:])
    assert len(feed(recorder, rollout(5))) == 1


def test_a_folder_that_vanished_is_named(tmp_path, push, rollout):
    folder = tmp_path / 'bags'
    folder.mkdir()
    recorder = RolloutRecorder(push, folder, 2, {})
    folder.rmdir()
    with pytest.raises(BagError, match=str(folder)):
        feed(recorder, rollout())


def test_a_bag_notes_the_format_of_its_rows(tmp_path, push, rollout):
    # Rows without the truth are those of format 1, which earlier versions read.
    facts, dtype = run_metadata(push), disturbed_step_dtype(push)
    disturbed = [with_truth(rows, dtype) for rows in rollout(2)]
    recorder = RolloutRecorder(push, tmp_path, 2, facts)
    for messages, noted in ((rollout(1), '1'), (disturbed, '2'), (rollout(3), '1')):
        (recorded,) = feed(recorder, messages)
        assert is_rollout_name(recorded.name)
        written = write_rollout(tmp_path, f'of_{recorded.stem}', facts, messages)
        for path in (recorded, written):
            assert read_bag(path).metadata['row_format'] == noted


def test_metadata_of_a_run_is_the_tasks(push):
    metadata = run_metadata(push, worker=3)
    assert metadata == {
        'task': 'FetchPush',
        'her_ros': her_ros.__version__,
        'row_format': '1',
        'control_period_s': '0.04',
        'goal_tolerance_m': '0.05',
        'worker': '3',
    }
