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

from her_ros.analysis.film import film, grid, pictures_of, Tile
from her_ros.config.parameters.nodes import EvaluationProtocol
from her_ros.episodes.splitting import split_rollout
from her_ros.policy.onnx_policy import OnnxPolicy
from her_ros.sim.evaluate import evaluation_steps
from her_ros.tasks.registry import TASKS
import numpy as np


def tile(value, caption='episode 1', color=(200, 205, 210)):
    return Tile(np.full((40, 60, 3), value, np.uint8), caption, '3.0 cm', color)


def test_tiles_stand_beside_and_below_each_other():
    sheet = grid([tile(10 * i) for i in range(5)])
    assert sheet.shape == (2 * 66, 3 * 60, 3)
    for place in range(5):
        row, column = divmod(place, 3)
        top, left = 66 * row, 60 * column
        inside = sheet[top:][30:60, left:][:, 5:55]
        assert (inside == 10 * place).all()
    assert (sheet[70:, 121:] == 255).all()  # there is no sixth


def test_an_edge_tells_the_outcome():
    reached, missed = (20, 150, 60), (200, 40, 40)
    sheet = grid([tile(0, color=reached), tile(0, color=missed)])
    assert (sheet[50, 0] == reached).all()
    assert (sheet[50, 119] == missed).all()


def test_the_last_picture_stays_for_a_second():
    pictures = [*pictures_of([[tile(1)], [tile(2)]])]
    assert len(pictures) == 2 + 25
    assert (pictures[-1] == pictures[1]).all()
    assert (pictures[0] != pictures[1]).any()


def test_the_film_shows_the_episodes_that_are_evaluated(export_policy):
    task, policy = TASKS['FetchReach'], OnnxPolicy(export_policy(), 'test')
    drawn = []

    def draw(qpos, goal):
        drawn.append(goal)
        return np.zeros((8, 8, 3), np.uint8)

    moments = [*film(policy, task, [0, 1], draw)]
    steps = evaluation_steps(task, policy.act, 1, EvaluationProtocol(2, 2, 1))
    episodes, _ = split_rollout([*steps])
    assert len(moments) == task.episode_length + 1
    assert (drawn[-2:] == np.array([each.desired_goal for each in episodes])).all()
    for number, episode in enumerate(episodes):
        left_cm = 100 * task.distance(episode.achieved_goal, episode.desired_goal)
        for step in (0, 20):
            note = moments[step][number].note
            assert note in (f'{left_cm[step]:.1f} cm', 'at the goal')
        note = moments[-1][number].note
        assert note == ('success' if episode.is_success else f'missed by {left_cm[-1]:.1f} cm')
        assert moments[-1][number].caption == f'episode {number + 1}'
    (alone,) = next(film(policy, task, [1], draw))
    assert (alone.note, alone.caption) == (moments[0][1].note, 'episode 2')


def test_a_video_is_refused_before_the_episodes_are_run(her_ros, tmp_path, export_policy):
    model = tmp_path / 'policy.onnx'
    model.write_bytes(export_policy())
    ended = her_ros('evaluate', model, '--episodes', 1, '--video', tmp_path / 'it.avi')
    assert ended.status == 1
    assert 'use .mp4, .webp, .gif' in ended.errors
    assert not ended.output
