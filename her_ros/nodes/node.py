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

"""Base of all nodes: checked parameters, one line per error, diagnostics."""

from collections.abc import Callable, Mapping
from contextlib import suppress
import inspect
import os
import sys
import threading
import time
import traceback
from typing import Any, TypeVar

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from her_ros.config.schema import ConfigError, configured, Parameter, parameters_of
from her_ros.nodes.arguments import check_arguments
from her_ros.nodes.clock_watch import ClockWatch
from her_ros.nodes.participants import identity_of
from her_ros.nodes.qos import STATUS
from her_ros.nodes.rclpy_private import hand_over, text_of, Wait
from her_ros.nodes.signals import end_by_signals
from her_ros.runtime.errors import HerRosError, one_line
from her_ros.runtime.last_error import report
from her_ros.runtime.output import steady_output
from her_ros.runtime.process import USER_ERROR
from her_ros.runtime.ros_environment import check_ros_environment
from her_ros.wire.topics import DIAGNOSTICS
from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    SetParametersResult,
)
import rclpy
from rclpy.clock import Clock, ClockType
from rclpy.exceptions import ParameterException
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from rclpy.timer import Timer

Config = TypeVar('Config')

# Parameters that ROS declares in every node.
_ROS_PARAMETERS = ('use_sim_time', 'start_type_description_service')
_WALL_TIME = 'stamps are wall time here, leave it false'


def read_parameters(node: Node, config: type[Config]) -> Config:
    """
    Declare the parameters of a node and return their checked values.

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
    if (value := node.get_parameter('use_sim_time').value) is not False:
        raise ConfigError(f'use_sim_time is {value}', _WALL_TIME, source=node.get_name())
    node.add_on_set_parameters_callback(_refuse_sim_time)
    checked = configured(config, node.get_name(), given)
    for name, parameter in known.items():
        descriptor = _descriptor(parameter)
        try:
            if name in given and parameter.item is float:
                _declare_floats(node, name, getattr(checked, parameter.attribute), descriptor)
            elif name in given:
                descriptor.type = node.get_parameter(name).type_.value
                node.set_descriptor(name, descriptor)
            else:
                default = parameter.default
                node.declare_parameter(
                    name, list(default) if parameter.type is tuple else default, descriptor
                )
        except ParameterException as error:
            raise ConfigError(
                f'{name}: {error}',
                'docs/reference/parameters.md says what it takes',
                node.get_name(),
            ) from None
    return checked


def _declare_floats(node: Node, name: str, value: Any, descriptor: ParameterDescriptor) -> None:
    """Declare a parameter anew, which integers were given for."""
    node.undeclare_parameter(name)
    plain = list(value) if isinstance(value, tuple) else value
    node.declare_parameter(name, plain, descriptor, ignore_override=True)


def _refuse_sim_time(parameters: list[rclpy.Parameter]) -> SetParametersResult:
    # rclpy calls this before its own handler, which would switch the clock.
    wanted = [each.value for each in parameters if each.name == 'use_sim_time']
    if all(value is False for value in wanted):
        return SetParametersResult(successful=True)
    return SetParametersResult(
        successful=False, reason=f'use_sim_time cannot be {wanted[0]}; {_WALL_TIME}'
    )


def _descriptor(parameter: Parameter) -> ParameterDescriptor:
    descriptor = ParameterDescriptor(
        description=parameter.description, read_only=not parameter.live
    )
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


# Shortest interval for measuring CPU usage; extra reports may follow each other immediately.
_SHORTEST_S = 0.5


def steady_timer(node: Node, period_s: float, callback: Callable[[], None]) -> Timer:
    """Create a timer that steps of the system clock do not affect."""
    return node.create_timer(period_s, callback, clock=Clock(clock_type=ClockType.STEADY_TIME))


class Diagnostics:
    """
    Publishes the state of a node and its CPU usage once per second.

    The topic is ``/diagnostics``, as in REP-107. Host, process and run folder are included, as two
    nodes may have the same name.

    :param values: returns the present values; ``level`` and ``message`` become those of the
        status, all others its key-value pairs
    """

    def __init__(self, node: Node, values: Callable[[], Mapping[str, Any]]) -> None:
        self._node = node
        self._values = values
        self._reported, self._share = (time.monotonic(), time.process_time()), 0.0
        self._publisher = node.create_publisher(DiagnosticArray, DIAGNOSTICS, STATUS)
        self._timer = steady_timer(node, 1.0, self.publish)

    def publish(self) -> None:
        """Publish now."""
        own = {**self._guard_report(), 'busy': self._busy(), **identity_of(self._node)}
        values = {**self._values(), **own}
        status = DiagnosticStatus(
            level=values.pop('level', DiagnosticStatus.OK),
            name=self._node.get_fully_qualified_name(),
            message=one_line(values.pop('message', '')),
            hardware_id='her_ros',
            values=[KeyValue(key=key, value=one_line(value)) for key, value in values.items()],
        )
        array = DiagnosticArray(status=[status])
        array.header.stamp = self._node.get_clock().now().to_msg()
        self._publisher.publish(array)

    def _guard_report(self) -> Mapping[str, object]:
        report = getattr(self._node, 'guard_report', None)
        return report() if report else {}

    def _busy(self) -> float:
        """Return the CPU seconds used per second since the last report."""
        (then, used_then), now, used = self._reported, time.monotonic(), time.process_time()
        if now - then >= _SHORTEST_S:
            self._reported = (now, used)
            self._share = round((used - used_then) / (now - then), 2)
        return self._share


def run(
    make: Callable[[], Any],
    work: Callable[[Any], int] | None = None,
    config: type | None = None,
) -> None:
    """
    Run a node until it is stopped; the ``main`` of every node.

    SIGINT, SIGTERM, SIGHUP and the end of its launcher stop it cleanly, between two pieces of work
    and never within one. A :class:`HerRosError` is printed as one line and ends the process with
    ``USER_ERROR``.

    :param make: makes the node. A node that holds resources has ``close()``. A node that must
        publish before ROS ends has ``send_final_action()``, which is called from another thread
        after a signal
    :param work: runs instead of spinning, and returns the exit status
    :param config: class of the node's parameters, for its help; with it, arguments that are
        neither ROS's nor known are refused. None: the command line is not checked
    """
    node: Any = None
    watch: ClockWatch | None = None
    status = 0
    steady_output(ends_with_reader=False)
    ending = end_by_signals(
        lambda: node.send_final_action() if hasattr(node, 'send_final_action') else None
    )
    _hush_half_made(ending)
    try:
        if config is not None:
            check_arguments(sys.argv[1:], _description(make), config)
        _init()
        if ending.is_set():
            raise ExternalShutdownException
        node = make()
        watch = ClockWatch(node)
        status = work(node) if work else _spin(node)
    except ExternalShutdownException:
        pass
    except (HerRosError, OSError) as error:
        status = _report(error)
    except Exception:
        # After a signal has shut it down, rclpy raises various errors. Others are our own bugs.
        if not ending.is_set():
            traceback.print_exc()
            status = 1
    finally:
        if watch is not None:
            watch.close()
        if node is not None:
            status = _close(node) or status
        rclpy.try_shutdown()
        # Python's final garbage collection of a partly made node may block forever.
        with suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def _hush_half_made(ending: threading.Event) -> None:
    """
    Show no errors of destructors once the node is to end.

    A shutdown in the constructor of rclpy's executor leaves an object whose destructor fails.
    """
    shown = sys.unraisablehook
    sys.unraisablehook = lambda error: None if ending.is_set() else shown(error)


def _close(node: Any) -> int:
    """Close a node; return the exit status: that of an error, or 0."""
    try:
        if hasattr(node, 'close'):
            node.close()
        node.destroy_node()
    except (HerRosError, OSError) as error:
        return _report(error)
    except Exception:
        # The process ends before Python itself could print it.
        traceback.print_exc()
        return 1
    return 0


def _description(make: Callable[[], Any]) -> str:
    """Return the summary of a node's module and the description of its class."""
    parts = (sys.modules[make.__module__], make)
    return '\n'.join(inspect.cleandoc(part.__doc__ or '') for part in parts)


def _report(error: Exception) -> int:
    report(error, 'her_ros')
    return USER_ERROR


def _init() -> None:
    """Start ROS, which reads remappings and parameter files from the command line."""
    check_ros_environment(os.environ)
    try:
        rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    except RuntimeError as error:  # the only information of rclpy about a damaged file
        text = text_of(error)
        problem = f'unknown ROS arguments {text}' if text[:1] == '[' else text
        raise HerRosError(problem, 'correct the arguments behind --ros-args') from None


# Messages of one topic handled before other callbacks. Steps are short enough that this delays
# timers by less than a second.
_MESSAGES_AT_ONCE = 8


def _spin(node: Node) -> int:
    """
    Dispatch messages directly; leave all other work to rclpy's executor.

    That executor lists all its entities twice around each callback, which takes longer than the
    transport of a message between processes.
    """
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    wait = Wait(node)
    while node.context.ok():
        subscriptions, more = wait()
        for subscription in subscriptions:
            for _ in range(_MESSAGES_AT_ONCE):
                if not hand_over(subscription):
                    break
        if more:
            executor.spin_once(timeout_sec=0)
    return 0
