import shutil

import pytest

from her_ros.bags.reader import read_bag
from her_ros.cli.params import read_file
from her_ros.cli.prepare import prepare_run
from her_ros.core.config import configured
from her_ros.core.parameters import TrainerParameters
from her_ros.core.task import task_named
from her_ros.learning.training import Training


@pytest.fixture
def run(recorded, tmp_path):
    """A run that has learnt from three bags."""
    small = ('trainer.hidden_sizes=[16, 16]', 'trainer.device=cpu', 'trainer.replay_capacity=5000')
    prepared = prepare_run('FetchReach', tmp_path, overrides=small)
    values = read_file(prepared.folder.params)['trainer']
    parameters = configured(TrainerParameters, 'trainer', values)
    task = task_named('FetchReach')
    training = Training(
        task, parameters, prepared.folder, lambda path: read_bag(path, task).episodes
    )
    for bag in recorded.iterdir():
        shutil.copy(bag, prepared.folder.bags)
    training.ingest_new_bags()
    training.save()
    return prepared.folder


def test_a_run_becomes_pictures_of_what_her_did_in_it(her_ros, run):
    ended = her_ros('plot', run.path)
    assert ended.status == 0, ended.errors
    wanted = [
        run.path / 'plots' / f'{name}.{form}'
        for name in ('rewards', 'goals', 'curriculum')
        for form in ('svg', 'png')
    ]
    assert ended.output.split() == [str(path) for path in wanted]
    assert all(path.stat().st_size > 1000 for path in wanted)


def test_a_bag_that_is_gone_is_named(her_ros, run):
    (gone, *_) = sorted(run.bags.iterdir())
    gone.unlink()
    ended = her_ros('plot', run.path)
    assert ended.status == 1
    (line,) = ended.errors.splitlines()
    assert gone.name in line


def test_offline_training_keeps_no_bags_to_draw_from(her_ros, run):
    for folder in (run.bags, run.evaluation):
        shutil.rmtree(folder)
    ended = her_ros('plot', run.path)
    assert ended.status == 1
    (line,) = ended.errors.splitlines()
    assert f'{run.path}: of offline training' in line


def test_a_run_that_has_learnt_from_nothing_has_no_pictures(her_ros, tmp_path):
    ended = her_ros('plot', prepare_run('FetchReach', tmp_path).folder.path)
    assert ended.status == 1
    (line,) = ended.errors.splitlines()
    assert 'neither an experiment' in line
