"""Parameter files: read, check, override, write."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from importlib.resources import files
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent, Event

from her_ros.config.parameters.nodes import NODE_PARAMETERS
from her_ros.config.parameters.shared import NodeParameters
from her_ros.config.schema import ConfigError, configured, nodes_values, parameters_of
from her_ros.runtime.files import require_regular
from her_ros.tasks.registry import TASKS

# Of a parameter file; those of the package have 6,000 characters and 4 levels.
_MAX_LENGTH = 1 << 16
_MAX_DEPTH = 8

NodesValues = dict[str, dict[str, Any]]

# What may be overridden for all nodes at once.
_SHARED = tuple(parameters_of(NodeParameters))
# The launcher gives these to each node itself.
_GIVEN_BY_LAUNCHER = ('run_dir', 'worker', 'explore')


def shipped_file(task: str) -> Path:
    """Return the parameter file that comes for a task, with this package or with the task's own.

    Another package has it beside the module that gives the task.

    :raises ConfigError: if there is none
    """
    folder = TASKS.folder(task)
    if folder and (folder / f'{task}.yaml').is_file():
        return folder / f'{task}.yaml'
    return _shipped(
        Path('config', f'{task.replace(":", "_")}.yaml'),
        f'no parameter file for task {task!r}; copy that of a task like it, name it by --params',
    )


def shipped_model(task: str) -> Path:
    """Return the policy that comes with the package for a task.

    :raises ConfigError: if there is none
    """
    return _shipped(
        Path('models', task, 'policy.onnx'), f'no model for task {task!r}; name one with --model'
    )


def shipped_profiles() -> Path:
    """Return the Fast DDS profiles that come with the package.

    :raises ConfigError: if there are none
    """
    return _shipped(Path('config', 'fastdds.xml'), 'the installation lacks fastdds.xml')


def _shipped(path: Path, problem: str) -> Path:
    for folder in _shipped_folders():
        if (folder / path).is_file():
            return folder / path
    raise ConfigError(f'{problem} ({(_shipped_folders()[-1] / path).parent})')


def _shipped_folders() -> list[Path]:
    """List where shipped files may lie: a source tree, an installation, an ament package."""
    package = Path(str(files('her_ros')))
    # From lib/python3.x/site-packages, of pip and of colcon, up to the share/ beside lib/.
    shares = [parent / 'share' / 'her_ros' for parent in package.parents]
    folders = [package.parent, *(share for share in shares if share.is_dir())]
    try:
        from ament_index_python.packages import get_package_share_directory

        folders.append(Path(get_package_share_directory('her_ros')))
    except (ImportError, LookupError, OSError):  # OSError: no ROS set up
        pass
    return folders


def read_file(path: Path) -> NodesValues:
    """Read a parameter file the way rcl does, and check all of it.

    :return: the values given for every node
    :raises ConfigError: if the file, a section, a key or a value is not right
    """
    document = read_yaml(path, 'config/FetchReach.yaml')
    return nodes_values(document, NODE_PARAMETERS, str(path))


def read_yaml(path: Path, model: str) -> Any:
    """Read a YAML file as far as ROS would read it.

    :param model: what to begin a right one with
    :raises ConfigError: if it cannot be read, or is no such YAML
    """
    try:
        require_regular(path)
        return _parsed(path.read_text('utf-8'))
    except OSError as error:
        raise ConfigError(f'cannot be read ({error.strerror})', source=path) from None
    except ValueError as error:
        raise ConfigError(
            f'not YAML that ROS reads ({error})',
            f'correct it, or begin with a copy of {model}',
            source=path,
        ) from None


def _parsed(text: str) -> Any:
    """Parse YAML as far as rcl reads it: without aliases, and not nested deeply.

    :raises ValueError: if it is anything else, in one line
    """
    if len(text) > _MAX_LENGTH:
        raise ValueError(f'{len(text)} characters; at most {_MAX_LENGTH} are read')
    try:
        # YAML 1.2, as in rcl 1e-3 is a number; and a key given twice is an error.
        _check_events(YAML(typ='safe', pure=True).parse(text))
        return YAML(typ='safe', pure=True).load(text)
    except Exception as error:  # the parser fails in ways that it does not list
        raise ValueError(' '.join(str(error).split())) from None


def _check_events(events: Iterable[Event]) -> None:
    depth = 0
    for event in events:
        if isinstance(event, AliasEvent):
            raise ValueError(f'*{event.anchor} is an alias, which ROS does not read')
        depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        if depth > _MAX_DEPTH:
            raise ValueError(f'nested deeper than {_MAX_DEPTH} levels')


def with_overrides(
    values: NodesValues, overrides: Sequence[str], nodes: Collection[str] = ()
) -> NodesValues:
    """Apply overrides such as ``trainer.batch_size=128`` or, for all nodes, ``seed=3``.

    What they come to together is for :func:`complete` to check.

    :param nodes: those whose parameters the command uses; empty: any node's
    :raises ConfigError: if a node, a key or a value is not right
    """
    changed = {node: dict(own) for node, own in values.items()}
    for override in overrides:
        key, equals, text = override.partition('=')
        node, _, name = key.rpartition('.')
        targets = [node] if node else list(changed)
        is_known = set(targets) <= set(changed) and (node or name in _SHARED)
        if not equals or not is_known:
            raise ConfigError(
                f'{override!r}: write NODE.PARAMETER=VALUE, such as trainer.batch_size=128;'
                f' nodes are {", ".join(changed)}'
            )
        if node and nodes and node not in nodes:
            raise ConfigError(
                f'{override!r}: this command has no node {node}', f'it has {", ".join(nodes)}'
            )
        if name in _GIVEN_BY_LAUNCHER:
            raise ConfigError(f'{override!r}: every run gives {name} to its nodes itself')
        try:
            value = _parsed(text)
        except ValueError as error:
            raise ConfigError(f'{override!r}: the value is not YAML ({error})') from None
        for target in targets:
            changed[target][name] = value
            # By itself; whether all go together shows when there are no more to come.
            configured(NODE_PARAMETERS[target], target, {name: value})
    return changed


def complete(values: NodesValues) -> NodesValues:
    """Add the defaults of whatever is not given, so that a run's file says everything."""
    full: NodesValues = {}
    for node, config in NODE_PARAMETERS.items():
        checked = configured(config, node, values.get(node, {}))
        full[node] = {
            name: list(value) if isinstance(value, tuple) else value
            for name in parameters_of(config)
            if name not in _GIVEN_BY_LAUNCHER
            for value in [getattr(checked, name)]
        }
    return full


def to_yaml(values: NodesValues) -> str:
    """Write values as a ROS parameter file."""
    document = {f'/**/{node}': {'ros__parameters': own} for node, own in values.items()}
    yaml = YAML(typ='safe', pure=True)
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    text = StringIO()
    yaml.dump(document, text)
    return text.getvalue()


class Difference(NamedTuple):
    """A parameter that has another value."""

    #: such as ``trainer.seed``
    name: str
    old: Any
    new: Any

    def __str__(self) -> str:
        """Return the parameter and both values."""
        return f'{self.name}: {self.old} → {self.new}'


def differences(old: Mapping[str, Mapping[str, Any]], new: NodesValues) -> list[Difference]:
    """Return the parameters that differ."""
    return [
        Difference(f'{node}.{key}', old.get(node, {}).get(key), new.get(node, {}).get(key))
        for node in sorted({*old, *new})
        for key in sorted({*old.get(node, {}), *new.get(node, {})})
        if old.get(node, {}).get(key) != new.get(node, {}).get(key)
    ]
