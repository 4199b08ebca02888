"""What all nodes have in common: checked parameters, one line per error, diagnostics."""

import signal
import sys
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.exceptions import ParameterException
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node

from her_ros.core.config import ConfigError, Parameter, configured, parameters_of
from her_ros.core.errors import HerRosError
from her_ros.nodes.qos import DIAGNOSTICS, STATUS

Config = TypeVar('Config')

# Parameters that ROS itself declares in every node.
_ROS_PARAMETERS = ('use_sim_time', 'start_type_description_service')


def read_parameters(node: Node, config: type[Config]) -> Config:
    """Declare the parameters of a node and return their checked values.

    The node must have been made with ``automatically_declare_parameters_from_overrides``, so that
    a misspelt key is refused instead of ignored.

    :raises ConfigError: if a key is unknown or a value does not fit
    """
    known = parameters_of(config)
    given = {
        name: parameter.value
        for name, parameter in node.get_parameters_by_prefix('').items()
        if name not in _ROS_PARAMETERS and not name.startswith('qos_overrides')
    }
    checked = configured(config, node.get_name(), given)
    for name, parameter in known.items():
        descriptor = _descriptor(parameter)
        try:
            if name in given:
                descriptor.type = node.get_parameter(name).type_.value
                node.set_descriptor(name, descriptor)
            else:
                default = parameter.default
                node.declare_parameter(
                    name, list(default) if parameter.type is tuple else default, descriptor
                )
        except ParameterException as error:
            raise ConfigError(f'{node.get_name()}: {name}: {error}') from None
    return checked


def _descriptor(parameter: Parameter) -> ParameterDescriptor:
    descriptor = ParameterDescriptor(description=parameter.description, read_only=True)
    if parameter.choices:
        descriptor.additional_constraints = f'one of {", ".join(parameter.choices)}'
    limits = {}
    if parameter.minimum is not None and parameter.maximum is not None:
        limits = {'from_value': parameter.minimum, 'to_value': parameter.maximum}
    if limits and parameter.type is int:
        limits = {name: int(value) for name, value in limits.items()}
        descriptor.integer_range = [IntegerRange(**limits)]
    elif limits and parameter.type is float:
        limits = {name: float(value) for name, value in limits.items()}
        descriptor.floating_point_range = [FloatingPointRange(**limits)]
    return descriptor


class Diagnostics:
    """Publishes what a node does once per second (REP-107).

    :param values: called for the present values; ``level`` and ``message`` become the status
        itself, all others stand beside it
    """

    def __init__(self, node: Node, values: Callable[[], Mapping[str, Any]]) -> None:
        self._node = node
        self._values = values
        self._publisher = node.create_publisher(DiagnosticArray, DIAGNOSTICS, STATUS)
        self._timer = node.create_timer(1.0, self.publish)

    def publish(self) -> None:
        """Publish now."""
        values = dict(self._values())
        status = DiagnosticStatus(
            level=values.pop('level', DiagnosticStatus.OK),
            name=self._node.get_fully_qualified_name(),
            message=values.pop('message', ''),
            hardware_id='her_ros',
            values=[KeyValue(key=key, value=str(value)) for key, value in values.items()],
        )
        array = DiagnosticArray(status=[status])
        array.header.stamp = self._node.get_clock().now().to_msg()
        self._publisher.publish(array)


def run(make: Callable[[], Any], work: Callable[[Any], int] | None = None) -> None:
    """Run a node until it is told to stop; the ``main`` of every node.

    SIGINT and SIGTERM stop it cleanly. A :class:`HerRosError` is printed as one line.

    :param make: makes the node; what it returns has ``close()`` where it holds anything open
    :param work: runs instead of spinning, and returns the exit status
    """
    node, status = None, 0
    try:
        _init()
        node = make()
        status = work(node) if work else _spin(node)
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    except HerRosError as error:
        print(f'her_ros: {error}', file=sys.stderr, flush=True)
        status = 1
    finally:
        # A second Ctrl-C, or a launcher's on top of the terminal's, must not tear the clean-up.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if node is not None:
            if hasattr(node, 'close'):
                node.close()
            node.destroy_node()
        rclpy.try_shutdown()
    sys.exit(status)


def _init() -> None:
    """Start ROS, which reads remappings and parameter files from the command line."""
    try:
        rclpy.init()
    except RuntimeError as error:  # all that rclpy tells its users of a damaged file
        raise HerRosError(str(error)) from None


def _spin(node: Node) -> int:
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    executor.spin()
    return 0


def publishers_of(node: Node, topic: str) -> str:
    """Name the publishers of a topic, for an error."""
    full_name = node.resolve_topic_name(topic)
    names = sorted(
        f'{info.node_namespace.rstrip("/")}/{info.node_name}'
        for info in node.get_publishers_info_by_topic(full_name)
    )
    return f'{full_name}: {" and ".join(names) or "several publishers"}'
