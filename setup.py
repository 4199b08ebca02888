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

"""Installs her_ros: as an ament_python package, or by pip."""

from glob import glob
from pathlib import Path
import sys

from setuptools import find_packages, setup

NODES = (
    'sim_env',
    'policy',
    'recorder',
    'evaluator',
    'trainer',
    'robot_bridge',
    'simulated_robot',
)

# colcon puts scripts into lib/her_ros (setup.cfg), where ros2 looks for them. pip puts them on
# the path, where names such as "policy" are not ours alone: there a node is her_ros.nodes.<name>.
BY_PIP = {'bdist_wheel', 'dist_info', 'editable_wheel'} & {*sys.argv}


def requirements(name):
    """Return the lines of a file of requirements."""
    lines = Path(__file__).with_name(name).read_text('utf-8').splitlines()
    return [line for line in lines if line and not line.startswith('#')]


EXTRAS = ('minari', 'ray', 'video', 'view')

setup(
    name='her_ros',
    version='0.1.0',
    packages=find_packages(include=['her_ros', 'her_ros.*']),
    package_data={'her_ros': ['py.typed', 'analysis/run_report/page.html']},
    data_files=[
        ('share/ament_index/resource_index/packages', ['resource/her_ros']),
        ('share/her_ros', ['package.xml']),
        ('share/her_ros/config', glob('config/*.*')),
        ('share/her_ros/config/arms', glob('config/arms/*')),
        ('share/her_ros/launch', glob('launch/*.launch.py')),
        ('share/her_ros/layouts', glob('layouts/*')),
        *((f'share/her_ros/{path}', glob(f'{path}/*')) for path in glob('models/*')),
    ],
    python_requires='>=3.11',
    install_requires=requirements('requirements.txt'),
    extras_require={each: requirements(f'requirements-{each}.txt') for each in EXTRAS},
    zip_safe=True,
    maintainer='her_ros maintainers',
    maintainer_email='maintainers@her-ros.example',
    description='Goal-conditioned robot learning from ROS 2 bags with DDPG and HER',
    license='Apache-2.0',
    entry_points={
        'console_scripts': [
            'her-ros = her_ros.cli.main:main',
            *(f'{node} = her_ros.nodes.{node}:main' for node in NODES if not BY_PIP),
        ],
    },
)
