"""Export and import without the library of the data set, whether it is installed or not."""

import sys

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
