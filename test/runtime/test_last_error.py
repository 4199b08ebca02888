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

from her_ros.runtime.errors import HerRosError
from her_ros.runtime.last_error import ERROR_FILE, error_file, report, take_error
import pytest


@pytest.fixture
def path(tmp_path, monkeypatch):
    path = error_file(tmp_path / 'run.policy.log')
    monkeypatch.setenv(ERROR_FILE, str(path))
    return path


def test_a_reported_error_is_printed_and_its_fields_reach_the_parent(path, capsys):
    report(HerRosError('it is 3', 'make it 2', 'gain'), 'her_ros')
    assert capsys.readouterr().err == 'her_ros: gain: it is 3; make it 2\n'
    error = take_error(path)
    assert (error.problem, error.cure, error.source) == ('it is 3', 'make it 2', 'gain')


def test_an_error_of_the_system_is_a_problem(path):
    report(OSError(28, 'No space left on device'), 'her_ros')
    assert take_error(path).problem == '[Errno 28] No space left on device'


def test_an_error_is_taken_once(path):
    report(HerRosError('it is 3'), 'her_ros')
    assert take_error(path) is not None
    assert take_error(path) is None
    assert not path.exists()


@pytest.mark.parametrize('content', ['', '{', '[]', '7', 'null', '{}', '{"weather": "fine"}'])
def test_a_damaged_file_holds_no_error(path, content):
    path.write_text(content)
    assert take_error(path) is None


def test_without_a_parent_that_asks_nothing_is_written(path, monkeypatch, capsys):
    monkeypatch.delenv(ERROR_FILE)
    report(HerRosError('it is 3'), 'her_ros')
    assert capsys.readouterr().err == 'her_ros: it is 3\n'
    assert not path.exists()


def test_a_file_that_cannot_be_written_costs_the_line_nothing(path, monkeypatch, capsys):
    monkeypatch.setenv(ERROR_FILE, str(path / 'nowhere' / 'error.json'))
    report(HerRosError('it is 3'), 'her_ros')
    assert capsys.readouterr().err == 'her_ros: it is 3\n'
