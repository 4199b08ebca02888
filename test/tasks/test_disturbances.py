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

from dataclasses import replace
from pathlib import Path

from her_ros.tasks.disturbances import (
    DisturbanceError,
    DISTURBANCES,
    neutral,
    parse_disturbances,
    SETS,
)
from her_ros.tasks.registry import TASKS
import numpy as np
import pytest


def drawn(text, episodes=4000):
    generator = np.random.default_rng(0)
    return np.concatenate([parse_disturbances(text).draw(generator) for _ in range(episodes)])


@pytest.mark.parametrize('strength', [0.5, 1.0, 2.0])
def test_values_fill_their_range_uniformly(strength):
    values = drawn(f'base_position_m:{strength}')['base_position_m'] / strength
    np.testing.assert_allclose(values.min(0), -0.005, atol=2e-5)
    np.testing.assert_allclose(values.max(0), 0.005, atol=2e-5)
    # A uniform distribution of width w has the standard deviation w / sqrt(12).
    np.testing.assert_allclose(values.std(0), 0.01 / 12**0.5, rtol=0.03)
    assert np.abs(np.corrcoef(values.T) - np.eye(3)).max() < 0.05


def test_factors_are_as_often_halved_as_doubled():
    values = drawn('mass_scale')['mass_scale']
    assert (values.min(), values.max()) == pytest.approx((0.5, 2.0), rel=2e-3)
    assert np.mean(values < 1.0) == pytest.approx(0.5, abs=0.03)
    assert drawn('mass_scale:2')['mass_scale'].max() == pytest.approx(4.0, rel=4e-3)


def test_a_value_does_not_depend_on_the_other_disturbances():
    np.testing.assert_array_equal(drawn('mass_scale', 9)['mass_scale'],
                                  drawn('robot', 9)['mass_scale'])  # fmt: skip


def test_disturbances_that_are_off_are_neutral():
    others = [name for name in DISTURBANCES if name not in SETS['robot']]
    np.testing.assert_array_equal(drawn('robot', 5)[others], neutral(5)[others])
    np.testing.assert_array_equal(drawn('all:0', 5), neutral(5))
    assert not parse_disturbances('')


def test_strengths_of_sets_and_names_the_later_counts():
    found = parse_disturbances('robot:0.5, mass_scale:2,push_mps').strengths
    expected = dict.fromkeys(SETS['robot'], 0.5) | {'mass_scale': 2.0, 'push_mps': 1.0}
    assert found == expected


@pytest.mark.parametrize(
    ('text', 'problem'),
    [
        ('robots', "disturbance 'robots'; choose one of .* \\(nearest: robot\\)"),
        ('robot:5', "disturbance 'robot:5'; its strength must be a number in \\[0, 4\\]"),
        ('robot:much', "'robot:much'; its strength must be a number"),
        ('robot:nan', 'its strength must be a number'),
    ],
)
def test_what_is_no_disturbance_is_one_clear_line(text, problem):
    with pytest.raises(DisturbanceError, match=problem):
        parse_disturbances(text)


def test_a_disturbance_named_by_itself_must_act_on_the_task():
    reach, push = TASKS['FetchReach'], TASKS['FetchPush']
    assert parse_disturbances('all').acting_on(push).strengths == dict.fromkeys(SETS['all'], 1.0)
    for name in ('mass_scale', 'object_spin_noise_rad'):
        found = parse_disturbances(f'all,{name}:0').acting_on(reach).strengths
        assert {'gripper_noise_m', 'friction_scale', 'lost_share'} <= {*found}
        assert not [each for each in found if each.startswith(('object', 'mass', 'push'))]
        with pytest.raises(DisturbanceError, match=f"'{name}' acts on .*, which FetchReach lacks"):
            parse_disturbances(f'robot,{name}').acting_on(reach)


def test_fields_of_another_size_are_not_disturbed():
    drawer = replace(
        TASKS['FetchReach'], name='Drawer', symmetries=None,
        observation_fields=(('gripper_position', 3), ('object_position', 1)),
    )  # fmt: skip
    found = parse_disturbances('robot').acting_on(drawer).strengths
    assert 'object_noise_m' not in found
    assert 'mass_scale' in found
    line = (
        "disturbance 'object_noise_m' acts on the 3 values of object_position, which Drawer"
        ' lacks; leave it out'
    )
    with pytest.raises(DisturbanceError) as caught:
        parse_disturbances('object_noise_m').acting_on(drawer)
    assert str(caught.value) == line


def test_the_docs_describe_every_disturbance():
    page = (Path(__file__).parents[2] / 'docs' / 'how_to' / 'robust.md').read_text('utf-8')
    assert not [name for name in (*DISTURBANCES, *SETS) if f'`{name}`' not in page]


def test_a_share_of_the_episodes_is_disturbed():
    generator = np.random.default_rng(0)
    disturbances = parse_disturbances('robot', 0.75).acting_on(TASKS['FetchPush'])
    values = np.concatenate([disturbances.draw(generator) for _ in range(4000)])
    is_disturbed = values['latency_periods'][:, 0] > 0
    assert np.mean(is_disturbed) == pytest.approx(0.75, abs=0.03)
    np.testing.assert_array_equal(values[~is_disturbed], neutral(int((~is_disturbed).sum())))
