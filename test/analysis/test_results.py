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

from her_ros.analysis.results import (
    Curve,
    curves,
    median_steps,
    read_table,
    ResultsError,
    rows_of,
    speed_up,
    spread,
    write_table,
)
import numpy as np
import pytest


def curve(*points, seed=0):
    steps, success = zip(*points, strict=True)
    return Curve(seed, np.array(steps), np.array(success))


def result(seed=3, successes=(0.25, 1.0)):
    evaluations = [
        {
            'env_steps': 400 * i, 'updates': 160 * i, 'wall_s': 1.5 * i, 'episodes': 20,
            'success_rate': success,
        }
        for i, success in enumerate(successes, 1)
    ]  # fmt: skip
    return {'task': 'FetchReach', 'seed': seed, 'outcome': 'solved', 'evaluations': evaluations}


def test_a_table_says_every_evaluation_and_is_read_as_it_was_written(tmp_path):
    rows = [*rows_of('her', 'no_her', result(3)), *rows_of('her', 'her', result(4))]
    path = tmp_path / 'results.csv'
    write_table(path, rows)
    header, first, *_ = path.read_text().splitlines()
    assert header.startswith('experiment,task,arm,seed,outcome,env_steps,episodes,updates,wall_s')
    # 400 steps are 8 episodes of 50
    assert first == 'her,FetchReach,no_her,3,solved,400,8,160,1.5,0.25,20'
    assert read_table(path) == rows
    variants = curves(rows)
    assert list(variants) == ['no_her', 'her']
    (only,) = variants['her']
    assert only.seed == 4
    assert only.env_steps.tolist() == [400, 800]
    assert only.success.tolist() == [0.25, 1.0]


@pytest.mark.parametrize(
    ('text', 'part'),
    [
        ('a,b\n1,2\n', 'not a table of results'),
        ('', 'no evaluations'),
        ('experiment,task\nher\n', 'not a table of results'),
    ],
)
def test_another_table_is_refused_by_name(tmp_path, text, part):
    path = tmp_path / 'results.csv'
    path.write_text(text)
    with pytest.raises(ResultsError, match=part) as error:
        read_table(path)
    assert str(path) in str(error.value)


def test_curves_meet_on_one_grid_and_an_ended_run_keeps_its_last_success():
    found = spread([curve((100, 0.0), (300, 1.0)), curve((0, 0.2), (500, 0.2))], points=5)
    # from the first evaluation that both have to the end of the longer one
    assert found.env_steps.tolist() == [100, 200, 300, 400, 500]
    np.testing.assert_allclose(found.lowest, [0.0, 0.2, 0.2, 0.2, 0.2])
    np.testing.assert_allclose(found.highest, [0.2, 0.5, 1.0, 1.0, 1.0])
    np.testing.assert_allclose(found.median, [0.1, 0.35, 0.6, 0.6, 0.6])


def test_a_success_rate_is_reached_by_the_first_evaluation_that_has_it():
    of = curve((100, 0.1), (200, 0.5), (300, 0.4), (400, 0.5))
    assert of.steps_to(0.5) == 200
    assert of.steps_to(0.1) == 100
    assert of.steps_to(0.51) == np.inf


SOON, LATE = curve((100, 0.9), (1000, 0.9)), curve((100, 0.0), (700, 0.9))
NEVER = curve((100, 0.0), (1000, 0.1))


@pytest.mark.parametrize(
    ('of', 'steps'),
    [
        ([SOON], 100),
        ([SOON, LATE], 400),
        ([LATE, NEVER, SOON], 700),
        ([SOON, NEVER], np.inf),
        ([NEVER, NEVER], np.inf),
        ([NEVER, SOON, NEVER], np.inf),
    ],
)
def test_a_median_with_runs_that_never_got_there(of, steps):
    assert median_steps(of, 0.9) == steps


def test_speed_ups():
    assert speed_up([LATE], [SOON], 0.9) == (7.0, False)
    assert speed_up([SOON], [LATE], 0.9) == (1 / 7, False)
    # it would have taken more than the 1,000 steps of its run
    assert speed_up([NEVER], [SOON], 0.9) == (10.0, True)
    # at least the mean of 100 and 1,000
    assert speed_up([SOON, NEVER], [SOON], 0.9) == (5.5, True)
    assert np.isnan(speed_up([SOON], [NEVER], 0.9)[0])
    # Good enough at 300 steps, it was not asked for more; nor does a bound below 1 say anything.
    solved = Curve(0, np.array([300]), np.array([0.8]), solved=True)
    assert np.isnan(speed_up([solved], [SOON], 0.9)[0])
    assert speed_up([solved], [SOON], 0.8) == (3.0, False)
    assert np.isnan(speed_up([NEVER], [curve((2000, 0.9))], 0.9)[0])
