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

"""The walls between rooms: who may import what, and what a process then really loads."""

import ast
import importlib.util
from pathlib import Path
import pkgutil
import re
import subprocess
import sys
from typing import NamedTuple

import her_ros
import pytest

PACKAGE = Path(her_ros.__file__).parent

MESSAGES = {
    'builtin_interfaces',
    'control_msgs',
    'diagnostic_msgs',
    'geometry_msgs',
    'lifecycle_msgs',
    'rcl_interfaces',
    'sensor_msgs',
    'std_msgs',
    'std_srvs',
    'tf2_msgs',
    'tf2_ros',
    'trajectory_msgs',
    'visualization_msgs',
}


class Room(NamedTuple):
    """What the modules of a room may import beside the standard library and their own room."""

    libraries: frozenset[str] | set[str] = frozenset()
    rooms: frozenset[str] | set[str] = frozenset()


#: the base rooms, which every room may import: numpy at most
GROUND = {'runtime', 'config.schema', 'config.parameters', 'tasks', 'wire', 'episodes'}
#: files that users write, and those that come with the package
FILES = {'config.shipped', 'config.yaml_file'}
#: what is described of arms, without a model; and all of arms
SECTIONS = {'arms.driver', 'arms.mechanics'}
DESCRIBED = {'arms.description', 'arms.errors', 'arms.registry', *SECTIONS}
ARMS = {'arms', *DESCRIBED}
SIMULATION = {'numpy', 'mujoco', 'gymnasium', 'gymnasium_robotics'}
# What is compressed and cut short, or damaged beside its YAML, mcap and rosbags give up on; so
# here are the libraries with which they do it.
BAGS = {'numpy', 'mcap', 'rosbags', 'lz4', 'zstandard', 'ruamel'}
LEARNING = {'numpy', 'torch', 'onnx'}
POLICY = {'numpy', 'onnxruntime', 'cryptography'}

#: by name: a folder, a folder in a folder, or a module to which its neighbours have a wall
ROOMS = {
    'runtime': Room({'numpy'}),
    'config.renamed': Room(set(), set()),
    'config.schema': Room(set(), {'config.renamed', 'runtime'}),
    'config.parameters': Room(set(), {'config.schema', 'runtime'}),
    'config.shipped': Room({'ament_index_python'}, {'config.schema'}),
    'config.yaml_file': Room({'ruamel'}, {'config.schema', 'runtime'}),
    'config': Room({'ruamel'}, GROUND | FILES | {'config.renamed'}),
    'tasks': Room({'numpy'}, {'runtime'}),
    'wire': Room({'numpy'}, {'runtime', 'tasks'}),
    'episodes': Room({'numpy'}, {'runtime', 'tasks', 'wire'}),
    'arms.errors': Room(set(), {'runtime'}),
    'arms.mechanics': Room(set(), GROUND),
    'arms.driver': Room(set(), GROUND | {'arms.mechanics'}),
    'arms.description': Room(set(), GROUND | SECTIONS),
    'arms.registry': Room(set(), GROUND | FILES | DESCRIBED),
    'arms': Room({'numpy', 'mujoco', 'mujoco_menagerie'}, GROUND | FILES | DESCRIBED),
    'sim': Room(SIMULATION, GROUND | ARMS),
    'bags.errors': Room(set(), {'runtime'}),
    'bags.storage': Room(BAGS, GROUND | {'bags.errors'}),
    'bags': Room(BAGS, GROUND | {'bags.errors', 'bags.storage'}),
    'bags.inspection': Room(BAGS, GROUND | {'bags', 'bags.errors', 'bags.storage'}),
    'bags.repair': Room(BAGS, GROUND | {'bags', 'bags.errors', 'bags.storage'}),
    'bags.export': Room(BAGS, GROUND | {'bags', 'bags.errors', 'bags.storage'}),
    'learning.torch_private': Room({'torch'}),
    'learning.replay': Room(LEARNING, GROUND),
    'learning.agents': Room(LEARNING, GROUND | {'learning.replay', 'learning.torch_private'}),
    'learning': Room(
        LEARNING,
        GROUND
        | {
            'learning.replay',
            'learning.agents',
            'learning.acceleration',
            'learning.torch_private',
        },
    ),
    'learning.acceleration': Room(LEARNING, GROUND | {'learning', 'learning.torch_private'}),
    'learning.training': Room(
        LEARNING,
        GROUND | {'learning', 'learning.replay', 'learning.agents', 'learning.acceleration'},
    ),
    'policy': Room(POLICY, GROUND),
    'policy.safety': Room(POLICY, GROUND | {'policy'}),
    'robot': Room({'numpy', 'mujoco'}, GROUND | ARMS),
    'robot.bridge': Room({'numpy', 'mujoco'}, GROUND | ARMS | {'robot'}),
    'robot.simulated': Room({'numpy', 'mujoco'}, GROUND | ARMS | {'robot', 'sim'}),
    'robot.conversion': Room({'numpy', 'mujoco'}, GROUND | ARMS | {'robot', 'robot.bridge'}),
    # Environments for libraries that the package does not need itself.
    'adapters': Room({'numpy', 'gymnasium', 'stable_baselines3'}, GROUND | {'sim'}),
    'nodes': Room({'numpy', 'rclpy'} | MESSAGES, GROUND),
    'orchestration.command_node': Room(
        {'rclpy'}, GROUND | {'nodes', 'orchestration.dds_environment'}
    ),
    'orchestration.dds_environment': Room(set(), GROUND | {'config'}),
    'view': Room(
        {'numpy', 'rclpy', 'rich'} | MESSAGES, GROUND | {'nodes', 'orchestration.command_node'}
    ),
    # It shows what the others make. viser brings websockets.
    'view.browser': Room(
        {'numpy', 'rclpy', 'torch', 'viser', 'websockets'} | MESSAGES,
        GROUND
        | {'arms.registry', 'bags', 'config', 'policy', 'sim', 'view'}
        | {'learning', 'learning.replay', 'learning.training'}
        | {'nodes', 'orchestration.command_node'},
    ),
}
#: the rooms that bring others together: those that are closed to them
CLOSED = {
    'orchestration': {'analysis', 'cli'},
    'analysis': {'view', 'cli'},
    'cli': set(),
}
#: the rooms that a node, or what several nodes share, brings together; other modules bring none
JOINED = {
    'policy': {'arms.errors', 'arms.registry', 'policy', 'policy.safety'},
    'arguments': {'config.renamed'},
    'model_intake': {'policy'},
    'recorder': {'arms.registry', 'bags'},
    'sim_env': {'sim'},
    'evaluator': {'arms.registry', 'bags', 'policy', 'sim'},
    'trainer': {
        'arms.registry',
        'bags',
        'learning',
        'learning.acceleration',
        'learning.training',
    },
    'robot_bridge': {'arms', 'robot', 'robot.bridge'},
    'arm': {'robot', 'robot.bridge'},
    'measurements': {'robot', 'robot.bridge'},
    'gripper': {'arms.description', 'robot'},
    'gripper_server': {'arms.mechanics', 'robot'},
    'robot_model': {'robot'},
    'transforms': {'arms', 'robot'},
    'simulated_robot': {'arms', 'robot', 'robot.simulated'},
    'scene': {'sim'},
}
#: what keeps files of a run; of the learning rooms only training and acceleration may
RUN_FILES = {'her_ros.runtime.files', 'her_ros.runtime.run_folder', 'her_ros.runtime.run_result'}


def room_of(name):
    """Return the narrowest room of a module, or of a name in it; the package itself is none."""
    parts = name.removeprefix('her_ros').strip('.').split('.')
    while parts and '.'.join(parts) not in {*ROOMS, *CLOSED}:
        parts.pop()
    return '.'.join(parts)


def allowed(module):
    """Return the libraries and rooms that a module may import."""
    room = room_of(module)
    if room == '':
        # The public names, each loaded at its first use.
        return set(), {*ROOMS} - {'nodes', 'view', 'view.browser'}
    libraries, rooms = ROOMS[room]
    if room == 'nodes':
        joined = JOINED.get(module.split('.')[2], set()) if module.count('.') > 1 else set()
        libraries = libraries.union(*(ROOMS[each].libraries for each in joined))
        rooms = rooms | joined
    return libraries, rooms | {room}


def imports_of(source, module, is_package=False):
    """List what a module imports anywhere in it, by full name."""
    parent = module if is_package else module.rpartition('.')[0]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            name = '.' * node.level + (node.module or '')
            origin = importlib.util.resolve_name(name, parent)
            yield from (f'{origin}.{alias.name}' for alias in node.names)


def forbidden(source, module, is_package=False):
    """List the imports that cross a wall."""
    room, found = room_of(module), []
    for name in imports_of(source, module, is_package):
        library = name.split('.')[0]
        if library in sys.stdlib_module_names or name == 'her_ros.__version__':
            continue
        if room in CLOSED:
            crosses = library == 'her_ros' and room_of(name).split('.')[0] in CLOSED[room]
        else:
            libraries, rooms = allowed(module)
            is_open = room_of(name) in rooms if library == 'her_ros' else library in libraries
            crosses = not is_open
        if crosses or _keeps_files(module, name):
            found.append(name)
    return found


def _keeps_files(module, name):
    in_learning = module.startswith('her_ros.learning')
    may = room_of(module) in ('learning.training', 'learning.acceleration')
    return in_learning and not may and name.rpartition('.')[0] in RUN_FILES


def modules():
    for path in sorted(PACKAGE.rglob('*.py')):
        name = '.'.join(path.relative_to(PACKAGE.parent).with_suffix('').parts)
        yield name.removesuffix('.__init__'), path


@pytest.mark.parametrize(('module', 'path'), [*modules()], ids=[name for name, _ in modules()])
def test_no_import_crosses_a_wall(module, path):
    found = forbidden(path.read_text(), module, path.name == '__init__.py')
    assert not found, f'{path}: must not import {found}'


@pytest.mark.parametrize(
    ('module', 'source'),
    [
        ('her_ros', 'import numpy'),
        ('her_ros.tasks.registry', 'import torch'),
        ('her_ros.tasks.registry', 'from her_ros.sim import fetch'),
        ('her_ros.tasks.registry', 'from her_ros import sim'),
        ('her_ros.tasks.registry', 'from ..sim import fetch'),
        ('her_ros.tasks.registry', 'import rclpy'),
        ('her_ros.tasks.registry', 'from her_ros.wire.rows import Rows'),
        ('her_ros.config.schema', 'from her_ros.config.files import read_file'),
        ('her_ros.arms.registry', 'from her_ros.config.files import read_file'),
        ('her_ros.sim.fetch', 'import torch'),
        ('her_ros.bags.reader', 'from rosbag2_py import SequentialReader'),
        ('her_ros.bags.storage.mcap', 'from her_ros.bags.reader import read_bag'),
        ('her_ros.bags.repair.merge', 'from her_ros.bags.inspection.verify import verify'),
        ('her_ros.learning.replay.buffer', 'import gymnasium.spaces'),
        ('her_ros.learning.replay.buffer', 'from her_ros.learning.agents.agent import Agent'),
        ('her_ros.learning.learner', 'from her_ros.runtime.files import write_whole'),
        ('her_ros.learning.learner', 'from her_ros.config.files import read_file'),
        (
            'her_ros.learning.training.online',
            'def f():\n    from her_ros.bags.reader import read_bag',
        ),
        ('her_ros.policy.onnx_policy', 'import onnx'),
        ('her_ros.policy.onnx_policy', 'import torch.nn as nn'),
        ('her_ros.robot.bridge.control', 'from her_ros.sim.fetch import FetchBatch'),
        ('her_ros.robot.bridge.control', 'from her_ros.robot.simulated.robot import x'),
        ('her_ros.robot.kinematics', 'from her_ros.sim import fetch'),
        ('her_ros.nodes.policy', 'from her_ros.learning.export import PolicyGraph'),
        ('her_ros.nodes.policy', 'import torch'),
        ('her_ros.nodes.qos', 'from her_ros.policy.onnx_policy import OnnxPolicy'),
        ('her_ros.nodes.recorder', 'import mujoco'),
        ('her_ros.nodes.robot_bridge', 'from her_ros.sim.fetch import FetchBatch'),
        ('her_ros.nodes.trainer', 'from her_ros.sim.fetch import FetchBatch'),
        ('her_ros.nodes.trainer', 'from her_ros.config.files import read_file'),
        ('her_ros.nodes.trainer', 'from her_ros.orchestration.graph import NodeSpec'),
        ('her_ros.orchestration.train', 'from her_ros.analysis.plots import save'),
        ('her_ros.view.display', 'from her_ros.orchestration.train import train'),
        ('her_ros.orchestration.train', 'from her_ros.cli.main import main'),
        ('her_ros.analysis.plots', 'from her_ros.cli.main import main'),
        ('her_ros.view.display', 'from her_ros.sim.fetch import FetchBatch'),
        ('her_ros.view.display', 'from her_ros.view.browser.web_site import Site'),
        ('her_ros.view.browser.stage', 'import mujoco'),
        ('her_ros.view.browser.web_site', 'from her_ros.orchestration.train import train'),
        ('her_ros.sim', 'from .. import nodes'),
    ],
)
def test_an_import_that_crosses_a_wall_is_found(module, source):
    assert forbidden(source, module, is_package=module == 'her_ros.sim')


def test_every_library_is_a_requirement():
    # Libraries of ROS come with its packages; those of an extra are imported where they are used.
    given = {*MESSAGES, 'rclpy', 'launch', 'launch_ros', 'ament_index_python', 'her_ros'}
    extra = {'imageio_ffmpeg', 'ray', 'stable_baselines3', 'viser', 'websockets'}
    distributions = {'PIL': 'pillow', 'ruamel': 'ruamel_yaml'}
    lines = (PACKAGE.parent / 'requirements.txt').read_text('utf-8').splitlines()
    pins = [line.partition('==')[0] for line in lines if '==' in line]
    required = {re.sub('[-.]', '_', pin).lower() for pin in pins}
    libraries = {
        name.split('.')[0]
        for module, path in modules()
        for name in imports_of(path.read_text(), module, path.name == '__init__.py')
    }
    ours = libraries - given - extra - sys.stdlib_module_names
    assert {distributions.get(each, each).lower() for each in ours} <= required


def test_every_folder_and_every_node_stands_in_the_table():
    folders = {each.name for each in pkgutil.iter_modules([str(PACKAGE)]) if each.ispkg}
    assert folders == {room.split('.')[0] for room in (*ROOMS, *CLOSED)}
    assert {path.stem for path in (PACKAGE / 'nodes').glob('*.py')} >= set(JOINED)
    assert all(importlib.util.find_spec(f'her_ros.{room}') for room in (*ROOMS, *CLOSED))


def loaded(*wanted):
    """Import modules in a fresh process; return the names of all that it has loaded then."""
    program = f'import {", ".join(wanted)}, sys\nprint(*sys.modules)'
    command = [sys.executable, '-c', program]
    return set(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())


def test_the_package_itself_loads_nothing():
    names = loaded('her_ros')
    assert {name for name in names if name.startswith('her_ros')} == {'her_ros'}
    libraries = set().union(*(room.libraries for room in ROOMS.values()))
    assert not {name.partition('.')[0] for name in names} & {'numpy', *libraries}


def all_of(*rooms):
    return [name for name, _ in modules() if room_of(name) in rooms and name != 'her_ros']


def within(folder):
    return [room for room in ROOMS if room.split('.')[0] == folder]


def test_the_policy_node_runs_where_there_is_no_torch_and_no_mujoco():
    pytest.importorskip('rclpy')
    names = loaded('her_ros.nodes.policy', *all_of(*within('policy')))
    assert {'rclpy', 'onnxruntime'} <= names
    assert not names & {'torch', 'onnx', 'mujoco', 'gymnasium', 'rosbags', 'mcap'}


@pytest.mark.parametrize(
    ('rooms', 'heavy'),
    [
        ([*GROUND], set()),
        (within('policy'), {'onnxruntime'}),
        (within('bags'), {'mcap', 'rosbags'}),
        (within('sim'), {'mujoco', 'gymnasium'}),
        (within('learning'), {'torch', 'onnx'}),
        (['robot', 'robot.bridge', 'robot.conversion'], {'mujoco'}),
    ],
    ids=['ground', 'policy', 'bags', 'sim', 'learning', 'bridge'],
)
def test_a_room_loads_its_own_heavy_libraries_alone(rooms, heavy):
    names = loaded(*all_of(*rooms))
    every = {'torch', 'onnx', 'mujoco', 'gymnasium', 'onnxruntime', 'rclpy', 'rosbags', 'mcap'}
    assert names & every == heavy
    above = ('her_ros.nodes', 'her_ros.orchestration', 'her_ros.analysis', 'her_ros.cli')
    assert not {name for name in names if name.startswith(above)}


#: the module that holds all uses of a library's private parts, by library
PRIVATE = {
    'rclpy': PACKAGE / 'nodes' / 'rclpy_private.py',
    'torch': PACKAGE / 'learning' / 'torch_private.py',
}


def private_parts(source):
    """Return the libraries of whose private modules or names a source uses one."""
    for node in ast.walk(ast.parse(source)):
        names = []
        if isinstance(node, ast.Import):
            names = [each.name for each in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f'{node.module}.{each.name}' for each in node.names]
        elif isinstance(node, ast.Attribute):
            names = [ast.unparse(node)]
        for name in names:
            library, *parts = name.split('.')
            is_private = any(
                (p.startswith('_') and not p.endswith('__')) or p == 'impl' for p in parts
            )
            if library in PRIVATE and is_private:
                yield library


@pytest.mark.parametrize(
    ('source', 'library'),
    [
        ('import torch._dynamo', 'torch'),
        ('from torch._inductor.utils import cache_dir', 'torch'),
        ('import torch\ntorch._foreach_add_([], [])', 'torch'),
        ('from rclpy.impl.implementation_singleton import rclpy_implementation', 'rclpy'),
    ],
)
def test_a_use_of_a_private_part_is_found(source, library):
    assert set(private_parts(source)) == {library}


def test_private_parts_of_rclpy_and_torch_are_used_in_one_module_each():
    found = {
        (library, path)
        for path in PACKAGE.rglob('*.py')
        for library in private_parts(path.read_text('utf-8'))
    }
    assert found == set(PRIVATE.items())


def stored_names(tree):
    """Return the attributes of self that a source assigns, and its private methods."""
    stored = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.ctx, ast.Store)
        and ast.unparse(node.value) == 'self'
    }
    methods = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    return stored | {name for name in methods if name.startswith('_') and name[1] != '_'}


def classes_of_nodes():
    """Return all classes of the package that derive from a node of rclpy, by name."""
    classes = {
        node.name: node
        for path in (PACKAGE / 'nodes').rglob('*.py')
        for node in ast.parse(path.read_text('utf-8')).body
        if isinstance(node, ast.ClassDef)
    }
    kinds = {'Node', 'LifecycleNode'}
    while (
        more := {
            name
            for name, node in classes.items()
            if kinds & {ast.unparse(base) for base in node.bases}
        }
        - kinds
    ):
        kinds |= more
    return {name: node for name, node in classes.items() if name in kinds}


def test_no_node_stores_what_rclpy_stores_under_the_same_name():
    """``self._clock`` of a node is the clock of rclpy, which stamps and timers read."""
    spec = importlib.util.find_spec('rclpy')
    if spec is None:
        pytest.skip('rclpy is not installed')
    folder = Path(spec.submodule_search_locations[0])
    theirs = set()
    for file in ('node.py', 'lifecycle/node.py'):
        theirs |= stored_names(ast.parse((folder / file).read_text('utf-8')))
    assert '_clock' in theirs
    nodes = classes_of_nodes()
    assert {'GuardedNode', 'PolicyNode', 'RobotBridgeNode'} <= nodes.keys()
    found = {(name, each) for name, node in nodes.items() for each in stored_names(node) & theirs}
    assert not found
