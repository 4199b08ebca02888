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

"""Export and import without the library of the data set, whether it is installed or not."""

from itertools import islice
import sys
from types import SimpleNamespace

from her_ros.adapters import lerobot_dataset, minari_dataset
from her_ros.adapters.episode_columns import DatasetError
from her_ros.bags.sources import expand
from her_ros.bags.stream import stream_episodes
from her_ros.orchestration import datasets, progress
from her_ros.orchestration.datasets import export_bags, Format, import_dataset
from her_ros.runtime.files import create_held
from her_ros.tasks.registry import task_named
import pytest

# What says the task of a data set, and what installs its library.
NOTES = {'lerobot': 'meta/info.json', 'minari': 'data/metadata.json'}
COMMANDS = {
    'lerobot': 'pip install lerobot==0.4.4',
    'minari': "pip install 'her_ros[minari]'",
}


@pytest.fixture(params=[('lerobot', 'lerobot.datasets.lerobot_dataset'), ('minari', 'minari')])
def missing(request, monkeypatch):
    """Name of a library that cannot be imported, and its module."""
    library, module = request.param
    monkeypatch.setitem(sys.modules, module, None)
    return library, module


def check(ended, library, module):
    assert ended.status == 1
    assert not ended.output
    (line,) = ended.errors.splitlines()
    assert f'{module} cannot be imported' in line
    assert COMMANDS[library] in line


def test_an_export_is_one_line_with_the_command_that_installs_the_library(
    her_ros, missing, recorded_run, tmp_path
):
    library, module = missing
    out = tmp_path / 'out'
    check(her_ros('bags', 'export', recorded_run, '--to', library, '--out', out), library, module)
    assert {path.name for path in tmp_path.iterdir()} == {'runs'}


def test_an_import_is_one_line_with_the_command_that_installs_the_library(
    her_ros, missing, tmp_path
):
    library, module = missing
    notes = tmp_path / 'data_set' / NOTES[library]
    notes.parent.mkdir(parents=True)
    notes.write_text('{"her_ros": {"task": "FetchReach", "arm": ""}}')
    arguments = ('import', tmp_path / 'data_set', '--from', library, '--out', tmp_path / 'out')
    check(her_ros('bags', *arguments), library, module)
    assert {path.name for path in tmp_path.iterdir()} == {'data_set'}


@pytest.mark.parametrize('library', NOTES)
@pytest.mark.parametrize(
    'noted', ['{"arm": "x"}', '{"task": 3}', '{"task": "FetchReach", "arm": 1}']
)
def test_a_data_set_that_notes_no_task_is_refused_in_one_line(her_ros, library, noted, tmp_path):
    notes = tmp_path / 'data_set' / NOTES[library]
    notes.parent.mkdir(parents=True)
    notes.write_text(f'{{"her_ros": {noted}}}')
    arguments = ('import', tmp_path / 'data_set', '--from', library, '--out', tmp_path / 'out')
    ended = her_ros('bags', *arguments)
    assert ended.status == 1
    (line,) = ended.errors.splitlines()
    assert 'name it by --task' in line


@pytest.mark.parametrize('count', [0, 2])
def test_a_folder_must_hold_one_data_set_of_minari(her_ros, tmp_path, count):
    for number in range(count):
        notes = tmp_path / 'data_set' / str(number) / NOTES['minari']
        notes.parent.mkdir(parents=True)
        notes.write_text('{}')
    (tmp_path / 'data_set').mkdir(exist_ok=True)
    arguments = ('import', tmp_path / 'data_set', '--from', 'minari', '--out', tmp_path / 'out')
    ended = her_ros('bags', *arguments)
    assert ended.status == 1
    (line,) = ended.errors.splitlines()
    assert f'{count} data sets of Minari; name the folder of one' in line


@pytest.mark.parametrize(
    'observations', [[[0.0] * 10], {'observation': [[0.0] * 10], 'achieved_goal': [[0.0] * 3]}]
)
def test_an_episode_of_minari_without_goals_is_refused(observations):
    episode = SimpleNamespace(observations=observations, infos={})
    with pytest.raises(DatasetError, match=r'observations lack .*, so it has no goals'):
        minari_dataset._episode(task_named('FetchReach'), episode, 1, 0)


def test_what_a_killed_export_left_is_removed_and_what_a_running_one_holds_stays(
    monkeypatch, recorded_run, tmp_path, capsys
):
    """Export with a library that looks around."""
    seen = []

    def write(folder, task, episodes):
        assert not folder.exists()
        folder.mkdir()
        (folder / 'data').write_text(str(len([*episodes])))
        seen.extend(path.name for path in tmp_path.glob('.out.*.tmp'))
        return 8

    library = datasets._LIBRARIES[Format.MINARI]._replace(write=write)
    monkeypatch.setitem(datasets._LIBRARIES, Format.MINARI, library)
    monkeypatch.setattr(progress, '_LINE_S', 0.0)  # so that it tells how far it is
    killed, running = tmp_path / '.out.0.tmp', tmp_path / '.out.1.tmp'
    for folder in (killed, running):
        (folder / 'whole').mkdir(parents=True)
        (folder / 'whole' / 'data').touch()
        (folder / 'lock').touch()
    running_lock = running / 'lock'
    running_lock.unlink()
    with create_held(running_lock):
        export_bags([recorded_run], tmp_path / 'out', Format.MINARI, None)
        assert running.name in seen
        assert killed.name not in seen
        assert len(seen) == 2
        assert [path.name for path in tmp_path.glob('.out.*.tmp')] == [running.name]
    assert (tmp_path / 'out' / 'data').read_text() == '8'
    assert 'exporting: ' in capsys.readouterr().err
    assert [path.name for path in (tmp_path / 'out').iterdir()] == ['data']


@pytest.mark.parametrize('stated', [2, 0])
def test_an_import_shows_how_far_it_is(monkeypatch, recorded_run, tmp_path, capsys, stated):
    task = task_named('FetchReach')
    bags = expand([recorded_run])
    library = datasets._LIBRARIES[Format.MINARI]._replace(
        noted=lambda folder: {'task': 'FetchReach'},
        episodes=lambda folder: stated,
        read=lambda folder, task: islice(stream_episodes(bags[0], task), 2),
    )
    monkeypatch.setitem(datasets._LIBRARIES, Format.MINARI, library)
    monkeypatch.setattr(progress, '_LINE_S', 0.0)
    import_dataset(tmp_path, tmp_path / 'out', Format.MINARI, None)
    shown = capsys.readouterr()
    assert '2 episodes of FetchReach' in shown.out
    # A data set that states no number has no bar.
    assert ('importing: 50%' in shown.err) is bool(stated)
    assert len([*stream_episodes(next((tmp_path / 'out').glob('*.mcap')), task)]) == 2


@pytest.mark.parametrize(
    ('count', 'name'),
    [
        (lerobot_dataset.lerobot_episodes, NOTES['lerobot']),
        (minari_dataset.minari_episodes, NOTES['minari']),
    ],
)
def test_a_data_set_states_how_many_episodes_it_has(tmp_path, count, name):
    path = tmp_path / name
    path.parent.mkdir(parents=True)
    for text, expected in (
        ('{"total_episodes": 7}', 7),
        ('{}', 0),
        ('{"total_episodes": "x"}', 0),
    ):
        path.write_text(text)
        assert count(tmp_path) == expected
