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

"""The package as pip installs it, in an environment of its own and away from the source tree."""

from importlib.metadata import Distribution
import os
from pathlib import Path
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile

import pytest

ROOT = Path(__file__).parent.parent
PARTS = ('her_ros', 'config', 'launch', 'layouts', 'models', 'resource')
FILES = (
    'setup.py',
    'setup.cfg',
    'pyproject.toml',
    'package.xml',
    'MANIFEST.in',
    'requirements.txt',
    'requirements-minari.txt',
    'requirements-ray.txt',
    'requirements-video.txt',
    'requirements-view.txt',
)


def run(*command, cwd, **more):
    kept = {name: text for name, text in os.environ.items() if name != 'PYTHONPATH'}
    done = subprocess.run(
        [*map(str, command)], cwd=cwd, env=kept, capture_output=True, text=True, **more
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope='module')
def wheel(tmp_path_factory):
    source = tmp_path_factory.mktemp('source')
    for part in PARTS:
        ignored = shutil.ignore_patterns('__pycache__')
        shutil.copytree(ROOT / part, source / part, ignore=ignored)
    for name in FILES:
        shutil.copy(ROOT / name, source)
    pip = [sys.executable, '-m', 'pip', '--disable-pip-version-check', '-q', 'wheel']
    run(*pip, '--no-deps', '--no-build-isolation', '--no-index', '-w', 'dist', '.', cwd=source)
    (found,) = (source / 'dist').glob('*.whl')
    return found


@pytest.fixture(scope='module')
def installed(wheel, tmp_path_factory):
    """Install the wheel; its dependencies are those of this environment."""
    folder = tmp_path_factory.mktemp('installed')
    venv.create(folder, with_pip=False)
    python = folder / 'bin' / 'python'
    pip = [sys.executable, '-m', 'pip', '--disable-pip-version-check', '-q', '--python', python]
    run(*pip, 'install', '--no-deps', '--no-index', wheel, cwd=folder)
    (packages,) = folder.glob('lib/python*/site-packages')
    # What a .pth file names comes last, and its own .pth files are not read.
    (packages / 'dependencies.pth').write_text(sysconfig.get_path('purelib') + '\n')
    return folder


def test_it_holds_the_package_its_types_and_all_that_it_ships(wheel):
    held = {
        re.sub(r'^her_ros-[\d.]+\.data/data/share/her_ros/', 'share/', each)
        for each in zipfile.ZipFile(wheel).namelist()
    }
    modules = {
        str(path.relative_to(ROOT))
        for path in (ROOT / 'her_ros').rglob('*')
        if path.is_file() and '__pycache__' not in path.parts
    }
    assert {'her_ros/py.typed', 'her_ros/cli/main.py'} <= modules
    shipped = {
        f'share/{path.relative_to(ROOT)}'
        for part in ('config', 'launch', 'layouts', 'models')
        for path in (ROOT / part).rglob('*')
        if path.is_file() and '__pycache__' not in path.parts
    }
    assert {'share/config/FetchPush.yaml', 'share/models/FetchPush/policy.onnx'} <= shipped
    assert not (modules | shipped) - held


def test_it_requires_what_it_runs_on(installed):
    (info,) = installed.glob('lib/python*/site-packages/her_ros-*.dist-info')
    required = Distribution.at(info).requires or ()
    always = {name(line) for line in required if 'extra ==' not in line}
    assert always == names_in('requirements.txt')
    for extra in ('minari', 'ray', 'video', 'view'):
        its = {name(line) for line in required if f'extra == "{extra}"' in line}
        assert its == names_in(f'requirements-{extra}.txt')


def names_in(file):
    lines = (ROOT / file).read_text('utf-8').splitlines()
    return {name(line) for line in lines if line and not line.startswith('#')}


def name(requirement):
    return re.match(r'[\w-]+', requirement)[0].replace('_', '-').lower()


def test_the_path_gets_one_command(wheel, installed):
    plain = {'python', 'python3', f'python3.{sys.version_info.minor}'}
    scripts = {path.name for path in (installed / 'bin').iterdir()} - plain
    assert {each for each in scripts if not re.match('(?i)activate', each)} == {'her-ros'}


def test_a_shipped_policy_is_evaluated_away_from_the_source_tree(installed, tmp_path):
    (model,) = installed.glob('share/her_ros/models/FetchReach/policy.onnx')
    command = installed / 'bin' / 'her-ros'
    said = run(command, 'evaluate', model, '--episodes', 5, cwd=tmp_path, timeout=60)
    assert re.search(r'success .* 1\.000', said)


def test_colcon_finds_the_nodes_where_ros_looks_for_them(tmp_path):
    for part in PARTS:
        (tmp_path / part).symlink_to(ROOT / part)
    for each in FILES:
        shutil.copy(ROOT / each, tmp_path)
    run(sys.executable, 'setup.py', '-q', 'egg_info', cwd=tmp_path)
    points = (tmp_path / 'her_ros.egg-info' / 'entry_points.txt').read_text()
    for node in ('policy', 'trainer', 'recorder', 'her-ros'):
        assert f'{node} = her_ros.' in points
    assert '$base/lib/her_ros' in (ROOT / 'setup.cfg').read_text()


@pytest.mark.nodes
def test_a_task_is_trained_away_from_the_source_tree(graph, installed, tmp_path):
    options = ['trainer.stop.env_steps=800', 'trainer.evaluation_interval=400']
    options += ['evaluator.episodes=2', 'evaluator.num_envs=2', 'trainer.stop.evaluations=9']
    words = [str(installed / 'bin' / 'her-ros'), 'train', '--runs', str(tmp_path / 'runs')]
    for option in options:
        words += ['--set', option]
    process = graph.run(*words, PYTHONPATH='')
    assert process.ended(60.0) == 1
    assert 'not solved within its limit' in process.output
    folder = tmp_path / 'runs' / 'FetchReach' / 'run_001'
    assert (folder / 'result.json').exists()
    assert f'report      {folder / "report.html"}' in process.output
    assert 'left out' not in (folder / 'report.html').read_text('utf-8')
