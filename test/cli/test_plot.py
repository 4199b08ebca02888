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

import shutil
import xml.etree.ElementTree as ElementTree

from her_ros.orchestration.prepare import prepare_run
import pytest


def test_a_run_is_plotted_with_the_effect_of_her(her_ros, learning_run):
    ended = her_ros('plot', learning_run.path)
    assert ended.status == 0, ended.errors
    wanted = [
        learning_run.path / 'plots' / f'{name}.{form}'
        for name in ('rewards', 'goals', 'curriculum')
        for form in ('svg', 'png')
    ]
    assert ended.output.split() == [str(path) for path in wanted]
    assert all(path.stat().st_size > 1000 for path in wanted)


def test_a_bag_that_is_gone_is_named(her_ros, learning_run):
    (gone, *_) = sorted(learning_run.bags.iterdir())
    gone.unlink()
    ended = her_ros('plot', learning_run.path)
    assert ended.status == 1
    (line,) = ended.errors.splitlines()
    assert gone.name in line


def test_offline_training_keeps_no_bags_to_draw_from(her_ros, learning_run):
    for folder in (learning_run.bags, learning_run.evaluation):
        shutil.rmtree(folder)
    ended = her_ros('plot', learning_run.path)
    assert ended.status == 1
    (line,) = ended.errors.splitlines()
    assert f'{learning_run.path}: of offline training' in line


def test_a_run_that_has_learned_from_nothing_has_no_pictures(her_ros, tmp_path):
    ended = her_ros('plot', prepare_run('FetchReach', tmp_path).folder.path)
    assert ended.status == 1
    (line,) = ended.errors.splitlines()
    assert 'neither an experiment' in line


@pytest.fixture
def runs(tmp_path, finish):
    """Two runs that have finished."""
    found = [prepare_run('FetchReach', tmp_path / 'runs', name).folder for name in 'ab']
    for run, points in zip(found, ([(400, 0.0), (800, 1.0)], [(400, 0.5)]), strict=True):
        finish(run, points, 'solved')
        (run.bags / 'x.mcap').touch()
    return [run.path for run in found]


def test_runs_are_drawn_beside_each_other(her_ros, runs, tmp_path):
    ended = her_ros('plot', *runs, '--out', tmp_path / 'pictures')
    assert ended.status == 0, ended.errors
    svg, png = (tmp_path / 'pictures' / f'curves.{form}' for form in ('svg', 'png'))
    assert ended.output.split() == [str(svg), str(png)]
    ids = {each.get('id') for each in ElementTree.parse(svg).iter()}
    assert {'curve_FetchReach/a', 'curve_FetchReach/b'} <= ids
    assert png.stat().st_size > 1000


def test_what_cannot_be_drawn_beside_another_run_is_named(her_ros, runs, tmp_path, finish):
    fresh = prepare_run('FetchReach', tmp_path / 'runs', 'c').folder
    offline = prepare_run('FetchReach', tmp_path / 'runs', 'd').folder
    finish(offline, [(400, 0.5)], 'trained')
    for other, part in (
        (fresh.path, f'{fresh.path}: no evaluation yet'),
        (offline.path, f'{offline.path}: of offline training'),
        (tmp_path, f'{tmp_path}: not a run'),
        (runs[0], 'two of these folders are one run'),
    ):
        if other is fresh.path:
            (fresh.bags / 'x.mcap').touch()
        ended = her_ros('plot', runs[0], other, '--out', tmp_path / 'pictures')
        assert (ended.status, ended.output) == (1, '')
        (line,) = ended.errors.splitlines()
        assert part in line
    assert not (tmp_path / 'pictures').exists()
