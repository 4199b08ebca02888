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

"""The topics and services of the nodes, read from their source, as Markdown."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import her_ros
from her_ros.wire import topics as names

_NODES = Path(her_ros.__file__).parent / 'nodes'
_NAMES = {key: value for key, value in vars(names).items() if key.isupper()}
_ROLES = {
    'create_publisher': 'publishes',
    'create_subscription': 'subscribes',
    '_subscribe': 'subscribes',
    'create_service': 'serves',
}


@dataclass(frozen=True)
class Endpoint:
    """
    One end of a topic or a service.

    ``quality`` is the name of a profile in ``nodes/qos.py``.
    """

    nodes: tuple[str, ...]
    role: str
    name: str
    type: str
    quality: str


def endpoints(path: Path) -> Iterator[Endpoint]:
    """List the ends of topics and services that a module of the nodes makes."""
    tree = ast.parse(path.read_text('utf-8'))
    types = _imported_types(tree)
    for scope in tree.body:
        for call in ast.walk(scope):
            role = _ROLES.get(getattr(getattr(call, 'func', None), 'attr', ''), '')
            if role and len(call.args) > 1:
                for kind, name, quality in _ends(call.args, tree, types):
                    owner = _owners(path.stem, getattr(scope, 'name', ''))
                    yield Endpoint(owner, role, name, types[kind], quality or _wrapped(tree))


def _wrapped(tree: ast.Module) -> str:
    """Return the profile of a module that subscribes through a method of its own."""
    calls = [each for each in ast.walk(tree) if isinstance(each, ast.Call)]
    return next(
        (
            _quality(call.args[2:], tree)
            for call in calls
            if getattr(call.func, 'attr', '') == 'create_subscription'
        ),
        '',
    )


def _imported_types(tree: ast.Module) -> dict[str, str]:
    """Map imported classes to their ROS names, such as ``sensor_msgs/PointCloud2``."""
    return {
        alias.name: f'{each.module.partition(".")[0]}/{alias.name}'
        for each in ast.walk(tree)
        if isinstance(each, ast.ImportFrom)
        and each.module
        and each.module.endswith(('.msg', '.srv'))
        for alias in each.names
    }


def _ends(
    args: list[ast.expr], tree: ast.Module, types: Mapping[str, str]
) -> Iterator[tuple[str, str, str]]:
    """Resolve type, name and quality of service, also where a loop or a variable gives them."""
    kind = args[0]
    if isinstance(kind, ast.Name) and kind.id in types:
        yield from ((kind.id, each, _quality(args[2:], tree)) for each in _resolved(args[1], tree))
        return
    for row in ast.walk(tree):  # a table of (type, topic, …) that a loop goes through
        if isinstance(row, ast.Tuple) and len(row.elts) > 2:
            first, name, *others = row.elts
            if isinstance(first, ast.Name) and first.id in types:
                yield from (
                    (first.id, each, _quality(others, tree)) for each in _resolved(name, tree)
                )


def _resolved(name: ast.expr, tree: ast.Module) -> Iterator[str]:
    if isinstance(name, ast.Constant):
        yield str(name.value)
    elif isinstance(name, ast.Name) and name.id in _NAMES:
        yield _NAMES[name.id]
    elif isinstance(name, ast.Name):  # a variable: what the module resolves to full names
        for call in ast.walk(tree):
            if getattr(getattr(call, 'func', None), 'attr', '') == 'resolve_topic_name':
                yield from _resolved(call.args[0], tree)


def _quality(args: list[ast.expr], tree: ast.Module) -> str:
    """Return the profile among arguments, also that of a variable that adds something to it."""
    names = [each.id for each in args if isinstance(each, ast.Name)]
    for each in ast.walk(tree):
        if isinstance(each, ast.Assign):
            targets = [part.id for part in ast.walk(each.targets[0]) if isinstance(part, ast.Name)]
            if set(targets) & {name for name in names if not name.isupper()}:
                names += [part.id for part in ast.walk(each.value) if isinstance(part, ast.Name)]
    return next((name for name in names if name in _profiles()), '')


@cache
def _profiles() -> dict[str, str]:
    """Describe the profiles of nodes/qos.py in words."""
    found = {}
    for each in ast.parse((_NODES / 'qos.py').read_text('utf-8')).body:
        if isinstance(each, ast.Assign) and isinstance(each.value, ast.Call):
            text = ast.unparse(each.value)
            depth = next(
                part.value
                for part in ast.walk(each.value)
                if isinstance(part, ast.Constant) and isinstance(part.value, int)
            )
            words = [
                'best effort' if 'BEST_EFFORT' in text else 'reliable',
                'transient local' if 'TRANSIENT_LOCAL' in text else 'volatile',
                f'depth {depth}',
            ]
            found[each.targets[0].id] = ', '.join(words)  # type: ignore[attr-defined]
    return found


@cache
def all_endpoints() -> tuple[Endpoint, ...]:
    """List all ends in the sources of the nodes, without what is found twice."""
    found = (each for path in sorted(_NODES.glob('*.py')) for each in endpoints(path))
    return tuple(dict.fromkeys(found))


def topics() -> str:
    """Describe the topics: type, publishers, subscribers, quality of service."""
    lines = []
    used = [each for each in all_endpoints() if each.role != 'serves']
    for name in sorted({each.name for each in used}, key=list(_NAMES.values()).index):
        own = [each for each in used if each.name == name]
        lines += [f'`{name}`', f': {", ".join(sorted({each.type for each in own}))}', '']
        for role, words in (('publishes', 'Publishers'), ('subscribes', 'Subscribers')):
            ends = dict.fromkeys(_end(each) for each in own if each.role == role)
            if ends:
                lines.append(f'  - {words}: {"; ".join(ends)}')
        lines.append('')
    return '\n'.join(lines)


def _end(end: Endpoint) -> str:
    quality = _profiles().get(end.quality)
    nodes = ', '.join(f'`{each}`' for each in end.nodes)
    return ('all nodes' if end.nodes == _all_nodes() else nodes) + f' ({quality})'


def services() -> str:
    """Tabulate the services, each under the name of its node."""
    lines = ['| service | type |', '|---|---|']
    for each in all_endpoints():
        if each.role == 'serves':
            lines += [f'| `{each.name.replace("~", node)}` | {each.type} |' for node in each.nodes]
    return '\n'.join(lines)


@cache
def _trees() -> dict[str, ast.Module]:
    return {path.stem: ast.parse(path.read_text('utf-8')) for path in sorted(_NODES.glob('*.py'))}


@cache
def _all_nodes() -> tuple[str, ...]:
    return tuple(name for name, tree in _trees().items() if _is_node(tree))


def _is_node(tree: ast.Module) -> bool:
    return any(isinstance(each, ast.FunctionDef) and each.name == 'main' for each in tree.body)


@cache
def _owners(module: str, scope: str) -> tuple[str, ...]:
    """Name the nodes that use a class or function of one of the modules, directly or not."""
    if module in _all_nodes():
        return (module,)
    found: set[str] = set()
    for name, tree in _trees().items():
        imports = (
            alias.name
            for each in ast.walk(tree)
            if isinstance(each, ast.ImportFrom) and (each.module or '').endswith(f'nodes.{module}')
            for alias in each.names
        )
        if scope in imports:
            for user in tree.body:
                parts = ast.walk(user)
                if any(isinstance(part, ast.Name) and part.id == scope for part in parts):
                    found |= {*_owners(name, getattr(user, 'name', ''))}
    return tuple(sorted(found))
