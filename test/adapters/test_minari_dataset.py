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

"""Round trips through Minari, which reads what is written with its own functions."""

from her_ros.adapters.episode_columns import DatasetError
from her_ros.adapters.minari_dataset import dataset_id, read_minari, write_minari
from her_ros.bags.stream import read_episodes
from her_ros.episodes.episode import Episode
from her_ros.tasks.registry import task_named
from her_ros.wire.rows import disturbed_step_dtype, with_truth
import numpy as np
import pytest

minari = pytest.importorskip('minari', reason='pip install minari')
pytest.importorskip('h5py', reason='pip install h5py')

REACH = task_named('FetchReach')


def same(first, second):
    return len(first) == len(second) and all(
        np.array_equal(a.rows, b.rows) for a, b in zip(first, second, strict=True)
    )


def test_bags_come_back_bit_for_bit_and_minari_reads_them(
    her_ros, recorded_run, tmp_path, monkeypatch
):
    out, back = tmp_path / 'minari', tmp_path / 'back'
    ended = her_ros('bags', 'export', recorded_run, '--to', 'minari', '--out', out)
    assert not ended.status, ended.errors
    assert '8 episodes of FetchReach' in ended.output
    monkeypatch.setenv('MINARI_DATASETS_PATH', str(out))
    dataset = minari.load_dataset(dataset_id(REACH))
    assert (dataset.total_episodes, dataset.total_steps) == (8, 400)
    first, recorded = next(dataset.iterate_episodes()), [*read_episodes(recorded_run)]
    np.testing.assert_array_equal(first.observations['achieved_goal'], recorded[0].achieved_goal)
    np.testing.assert_array_equal(first.actions, recorded[0].action)
    assert dataset.observation_space.contains(
        {name: value[0] for name, value in first.observations.items()}
    )

    ended = her_ros('bags', 'import', out, '--from', 'minari', '--out', back)
    assert not ended.status, ended.errors
    assert same([*read_episodes(back)], recorded)
    assert her_ros('bags', 'verify', back).status == her_ros('bags', 'verify', recorded_run).status
    assert (
        'exists already'
        in her_ros('bags', 'import', out, '--from', 'minari', '--out', back).errors
    )


def test_the_truth_of_disturbed_episodes_comes_back(tmp_path, recorded_run):
    recorded = [*read_episodes(recorded_run)]
    for episode in recorded:
        rows = with_truth(episode.rows, disturbed_step_dtype(REACH))
        rows['true_achieved_goal'] += 0.01
        rows['reward'][1:] = REACH.reward(rows['true_achieved_goal'], rows['desired_goal'])[1:]
        object.__setattr__(episode, 'rows', rows)
    assert write_minari(tmp_path / 'out', REACH, recorded) == 8
    assert same([*read_minari(tmp_path / 'out', REACH)], recorded)


def test_data_of_others_has_the_rewards_of_the_task(tmp_path):
    path = np.linspace([1.0, 1.0, 1.0], [1.1, 1.0, 1.0], 5)
    buffer = minari.data_collector.EpisodeBuffer(
        observations={
            'observation': np.zeros((5, 10)), 'achieved_goal': path,
            'desired_goal': np.tile(path[-1], (5, 1)),
        },
        actions=np.zeros((4, 4), np.float32), rewards=np.full(4, 7.0),
        terminations=np.zeros(4, bool), truncations=np.array([False] * 3 + [True]),
    )  # fmt: skip
    (episode,) = others(tmp_path, [buffer])
    assert episode.reward.tolist() == [-1.0, 0.0, 0.0, 0.0] or episode.is_success
    assert isinstance(episode, Episode)
    np.testing.assert_array_equal(episode.achieved_goal, path)


def others(folder, buffers):
    """Write data as others do, and read them."""
    from gymnasium import spaces

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('MINARI_DATASETS_PATH', str(folder))
        box = spaces.Box(-np.inf, np.inf, (3,), np.float64)
        wide = spaces.Box(-np.inf, np.inf, (10,), np.float64)
        minari.create_dataset_from_buffers(
            'others-v0',
            buffers,
            observation_space=spaces.Dict(observation=wide, achieved_goal=box, desired_goal=box),
            action_space=spaces.Box(-1, 1, (4,), np.float32),
        )
    return [*read_minari(folder, REACH)]


@pytest.mark.parametrize(
    ('changes', 'part'),
    [
        ({'desired_goal': np.eye(5, 3)}, 'episode 0: the goal changes within the episode'),
        ({'observation': np.full((5, 10), np.nan)}, 'episode 0'),
        ({'achieved_goal': np.zeros((5, 2))}, r'achieved_goal has shape \(5, 2\)'),
    ],
)
def test_what_is_no_episode_of_the_task_is_one_line(tmp_path, changes, part):
    observations = {
        'observation': np.zeros((5, 10)), 'achieved_goal': np.zeros((5, 3)),
        'desired_goal': np.zeros((5, 3)), **changes,
    }  # fmt: skip
    buffer = minari.data_collector.EpisodeBuffer(
        observations=observations, actions=np.zeros((4, 4), np.float32), rewards=np.zeros(4),
        terminations=np.zeros(4, bool), truncations=np.ones(4, bool),
    )  # fmt: skip
    with pytest.raises(DatasetError, match=part) as refused:
        others(tmp_path, [buffer])
    assert '\n' not in str(refused.value)
