"""The import table of design.md: who may import what, and what a process then really loads."""

import ast
import importlib.util
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import her_ros

PACKAGE = Path(her_ros.__file__).parent

#: the libraries that a folder owns; the standard library and core are everyone's
LIBRARIES = {
    'core': {'numpy'},
    'sim': {'numpy', 'mujoco', 'gymnasium', 'gymnasium_robotics'},
    # What is compressed and cut short, or damaged beside its YAML, mcap and rosbags give up on; so
    # here are the libraries with which they do it.
    'bags': {'numpy', 'mcap', 'rosbags', 'lz4', 'zstandard', 'ruamel'},
    'learning': {'numpy', 'torch', 'onnx'},
    'deploy': {'numpy', 'onnxruntime', 'cryptography'},
    'robot': {'numpy', 'mujoco'},
}
MESSAGES = {
    'builtin_interfaces',
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
#: what a folder may use beside core and itself
MORE = {'robot': {'her_ros.sim'}}
#: the folders that a node, or what several nodes share, joins; all other modules join none
JOINED = {
    'policy': {'deploy'},
    'model_intake': {'deploy'},
    'recorder': {'bags'},
    'fetch_env': {'sim'},
    'evaluator': {'bags', 'deploy', 'sim'},
    'trainer': {'bags', 'learning'},
    'robot_bridge': {'robot'},
    'arm': {'robot'},
    'transforms': {'robot'},
    'simulated_robot': {'robot'},
    'scene': {'sim'},
}


def allowed(module):
    """What a module may import: libraries, and folders of the package; None: everything."""
    folder, *rest = module.split('.')[1:] or ['']
    if folder == 'cli':
        return None
    if folder == '':
        # The public names, each loaded at its first use.
        return {f'her_ros.{each}' for each in LIBRARIES}
    if folder == 'nodes':
        joined = JOINED.get(rest[0], set()) if rest else set()
        libraries = {'numpy', 'rclpy'} | MESSAGES
        libraries |= set().union(*(LIBRARIES[each] for each in joined))
        return libraries | {f'her_ros.{each}' for each in joined | {'core', 'nodes'}}
    return LIBRARIES[folder] | {'her_ros.core', f'her_ros.{folder}'} | MORE.get(folder, set())


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
    may = allowed(module)
    found = []
    for name in imports_of(source, module, is_package):
        library, *rest = name.split('.')
        if library in sys.stdlib_module_names or name == 'her_ros.__version__':
            continue
        owner = f'her_ros.{rest[0]}' if library == 'her_ros' and rest else library
        if may is not None and owner not in may:
            found.append(name)
    return found


def modules():
    for path in sorted(PACKAGE.rglob('*.py')):
        name = '.'.join(path.relative_to(PACKAGE.parent).with_suffix('').parts)
        yield name.removesuffix('.__init__'), path


@pytest.mark.parametrize(('module', 'path'), [*modules()], ids=[name for name, _ in modules()])
def test_no_import_crosses_a_wall(module, path):
    found = forbidden(path.read_text(), module, path.name == '__init__.py')
    assert not found, f'{path}: must not import {found}; it may {sorted(allowed(module))}'


@pytest.mark.parametrize(
    ('module', 'source'),
    [
        ('her_ros', 'import numpy'),
        ('her_ros.core.task', 'import torch'),
        ('her_ros.core.task', 'from her_ros.sim import fetch'),
        ('her_ros.core.task', 'from her_ros import sim'),
        ('her_ros.core.task', 'from ..sim import fetch'),
        ('her_ros.core.task', 'import rclpy'),
        ('her_ros.sim.fetch', 'import torch'),
        ('her_ros.bags.reader', 'from rosbag2_py import SequentialReader'),
        ('her_ros.learning.replay', 'import gymnasium.spaces'),
        ('her_ros.learning.training', 'def f():\n    from her_ros.bags.reader import read_bag'),
        ('her_ros.deploy.policy', 'import onnx'),
        ('her_ros.deploy.policy', 'import torch.nn as nn'),
        ('her_ros.nodes.policy', 'from her_ros.learning.export import PolicyGraph'),
        ('her_ros.nodes.policy', 'import torch'),
        ('her_ros.nodes.qos', 'from her_ros.deploy.policy import OnnxPolicy'),
        ('her_ros.nodes.recorder', 'import mujoco'),
        ('her_ros.nodes.trainer', 'from her_ros.sim.fetch import FetchBatch'),
        ('her_ros.nodes.trainer', 'from her_ros.config.files import read_file'),
        ('her_ros.sim', 'from .. import nodes'),
    ],
)
def test_an_import_that_crosses_a_wall_is_found(module, source):
    assert forbidden(source, module, is_package=module == 'her_ros.sim')


def test_every_folder_and_every_node_stands_in_the_table():
    folders = {each.name for each in pkgutil.iter_modules([str(PACKAGE)]) if each.ispkg}
    assert folders == {*LIBRARIES, 'nodes', 'cli'}
    assert {path.stem for path in (PACKAGE / 'nodes').glob('*.py')} >= set(JOINED)


def loaded(*wanted):
    """Import modules in a fresh process; return the names of all that it has loaded then."""
    program = f'import {", ".join(wanted)}, sys\nprint(*sys.modules)'
    command = [sys.executable, '-c', program]
    return set(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())


def test_the_package_itself_loads_nothing():
    names = loaded('her_ros')
    assert {name for name in names if name.startswith('her_ros')} == {'her_ros'}
    assert not {name.partition('.')[0] for name in names} & {
        'numpy',
        *set().union(*LIBRARIES.values()),
    }


def all_of(folder):
    package = importlib.util.find_spec(f'her_ros.{folder}')
    names = pkgutil.iter_modules(package.submodule_search_locations, f'her_ros.{folder}.')
    return [each.name for each in names]


def test_the_policy_node_runs_where_there_is_no_torch_and_no_mujoco():
    pytest.importorskip('rclpy')
    names = loaded('her_ros.nodes.policy', *all_of('deploy'))
    assert {'rclpy', 'onnxruntime'} <= names
    assert not names & {'torch', 'onnx', 'mujoco', 'gymnasium', 'rosbags', 'mcap'}


@pytest.mark.parametrize(
    ('folder', 'heavy'),
    [
        ('core', set()),
        ('deploy', {'onnxruntime'}),
        ('bags', {'mcap', 'rosbags'}),
        ('sim', {'mujoco', 'gymnasium'}),
        ('learning', {'torch', 'onnx'}),
    ],
)
def test_a_folder_loads_its_own_heavy_libraries_alone(folder, heavy):
    names = loaded(*all_of(folder))
    every = {'torch', 'onnx', 'mujoco', 'gymnasium', 'onnxruntime', 'rclpy', 'rosbags', 'mcap'}
    assert names & every == heavy
    assert not {name for name in names if name.startswith(('her_ros.nodes', 'her_ros.cli'))}
