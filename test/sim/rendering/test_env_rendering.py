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

import gymnasium
import her_ros.sim  # noqa: F401 (registers)
from her_ros.sim.errors import SimError
from her_ros.sim.rendering.painter import Painter
from her_ros.tasks.registry import task_named
import numpy as np
import pytest


@pytest.fixture
def drawing():
    """Options of environments that draw; skip where there is no OpenGL."""
    try:
        Painter(task_named('FetchReach'), 8, 8).close()
    except SimError as error:
        pytest.skip(str(error))
    return {'render_mode': 'rgb_array', 'width': 64, 'height': 48}


def states_of(env, actions, draws):
    states = [env.reset(seed=3)[0]]
    for action in actions:
        if draws:
            env.render()
        states.append(env.step(action)[0])
    env.close()
    return [each[name] for each in states for name in sorted(each)]


@pytest.mark.parametrize('count', [None, 2])
def test_pictures_do_not_change_a_bit_of_the_simulation(drawing, count):
    shape = (4, 4) if count is None else (4, count, 4)
    actions = np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)

    def made(**options):
        if count is None:
            return gymnasium.make('her_ros/FetchPickAndPlace', **options)
        return gymnasium.make_vec('her_ros/FetchPickAndPlace', count, **options)

    for drawn, plain in zip(
        states_of(made(**drawing), actions, True), states_of(made(), actions, False), strict=True
    ):
        np.testing.assert_array_equal(drawn, plain)


def test_one_environment_gives_one_picture_and_several_give_one_each(drawing):
    env = gymnasium.make('her_ros/FetchPush', **drawing)
    env.reset(seed=3)
    picture = env.render()
    env.close()
    assert picture.shape == (48, 64, 3)
    assert picture.dtype == np.uint8
    envs = gymnasium.make_vec('her_ros/FetchPush', 2, **drawing)
    envs.reset(seed=3)
    pictures = envs.render()
    envs.close()
    assert len(pictures) == 2
    assert (pictures[0] == picture).all()
    assert (pictures[1] != picture).any()


def test_videos_are_recorded_by_gymnasiums_wrappers(drawing, tmp_path):
    pytest.importorskip('moviepy')
    one = gymnasium.wrappers.RecordVideo(
        gymnasium.make('her_ros/FetchReach', max_episode_steps=2, **drawing), tmp_path / 'one'
    )
    several = gymnasium.wrappers.vector.RecordVideo(
        gymnasium.make_vec('her_ros/FetchReach', 2, max_episode_steps=2, **drawing),
        tmp_path / 'several',
    )
    for env in (one, several):
        env.reset(seed=0)
        for _ in range(2):
            env.step(env.action_space.sample())
        env.close()
    for folder in ('one', 'several'):
        assert (tmp_path / folder / 'rl-video-episode-0.mp4').stat().st_size > 1000


def test_without_a_display_a_window_is_refused_in_one_line(monkeypatch):
    for name in ('DISPLAY', 'WAYLAND_DISPLAY'):
        monkeypatch.delenv(name, raising=False)
    env = gymnasium.make('her_ros/FetchReach', render_mode='human')
    with pytest.raises(SimError, match="there is none; draw pictures with render_mode='rgb_arr"):
        env.reset()


def test_a_mode_that_there_is_not_is_refused():
    with pytest.raises(SimError, match="render_mode 'ansi'; choose one of human, rgb_array"):
        gymnasium.make_vec('her_ros/FetchReach', 2, render_mode='ansi')
