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

from her_ros.sim.disturbed.messages import Messages, UNIFORMS
from her_ros.tasks.disturbances import neutral
import numpy as np
import pytest

ENVS, STEPS = 500, 40


def ages(**values):
    """Return how old what is seen is, in control periods, by step and environment."""
    random = np.random.default_rng(0)
    drawn = neutral(ENVS)
    for name, value in values.items():
        drawn[name] = value
    messages, found = Messages(ENVS), []
    for step in range(STEPS):
        state = np.full((ENVS, 2), float(step)), np.full((ENVS, 1), float(step))
        if step == 0:
            seen, goal = messages.begin(drawn, random.random(ENVS), *state)
        else:
            seen, goal = messages.see(random.random((ENVS, UNIFORMS)), *state)
        # Both are of one message.
        assert (seen == goal).all()
        found.append(step - seen[:, 0])
        np.testing.assert_array_equal(messages.ages(), found[-1])
    return np.array(found)


def test_without_disturbances_everything_is_seen_at_once():
    assert not ages().any()


@pytest.mark.parametrize('periods', [1, 3])
def test_a_latency_is_seen_in_every_step(periods):
    found = ages(latency_periods=periods)
    # At the beginning there is nothing older than the first state.
    np.testing.assert_array_equal(found[:, 0], np.minimum(np.arange(STEPS), periods))
    assert (found == found[:, :1]).all()


def test_a_latency_between_periods_is_a_share_of_the_episodes():
    found = ages(latency_periods=1.3)[2:]
    assert (found == found[:1]).all()
    assert set(found[0]) == {1, 2}
    assert np.mean(found[0] == 2) == pytest.approx(0.3, abs=0.06)


def test_jitter_adds_up_to_its_periods_and_never_goes_back():
    found = ages(latency_periods=1, latency_jitter_periods=1)[3:]
    assert set(found.ravel()) == {1, 2}
    # Half of the messages are late; one that a newer has overtaken is never shown.
    assert np.mean(found == 2) == pytest.approx(0.5, abs=0.02)
    assert (np.diff(found, axis=0) <= 1).all()


@pytest.mark.parametrize('name', ['lost_share', 'repeated_share'])
def test_a_share_of_the_messages_does_not_come(name):
    found = ages(**{name: 0.05})
    assert np.mean(found > 0) == pytest.approx(0.05, abs=0.005)
    # Two in a row are lost in 0.05² of the steps.
    assert np.mean(found > 1) == pytest.approx(0.0025, abs=0.001)
    assert not found[0].any()
