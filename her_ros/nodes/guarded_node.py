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

"""A node that survives bad messages, bad requests and errors in callbacks, and logs them."""

from collections import Counter
from collections.abc import Callable
import inspect
from pathlib import Path
import time
import traceback
from typing import Any

from her_ros.runtime.errors import HerRosError, one_line
from rcl_interfaces.msg import ParameterType, SetParametersResult
from rclpy.clock import Clock
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.serialization import deserialize_message

#: seconds between two log lines about the same topic
PAUSE_S = 5.0
#: the same for messages that come one by one, such as goals and policies
ONE_BY_ONE_S = 0.2
# Name of all timers in log lines.
_TIMER = 'timer'
_PACKAGE = Path(__file__).parents[1]


class StopNode(HerRosError):
    """An error that ends the node, although it was raised in a callback."""


class ThrottledLog:
    """
    Log lines of which each key has at most one per pause.

    rclpy's own throttle raises when one call site changes its pause or severity. Here every line
    leaves through one of two call sites that never change.

    :param node: its logger is used
    :param clock: monotonic time, seconds
    """

    def __init__(self, node: Node, clock: Callable[[], float] = time.monotonic) -> None:
        self._node = node
        self._clock = clock
        self._logged_at: dict[str, float] = {}
        self._left_out: Counter[str] = Counter()

    def error(self, key: str, text: object, pause_s: float = PAUSE_S) -> None:
        """Log an error, unless the last line of this key is less than a pause old."""
        if line := self._line(key, text, pause_s):
            self._node.get_logger().error(line)

    def warning(self, key: str, text: object, pause_s: float = PAUSE_S) -> None:
        """Log a warning, unless the last line of this key is less than a pause old."""
        if line := self._line(key, text, pause_s):
            self._node.get_logger().warning(line)

    def _line(self, key: str, text: object, pause_s: float) -> str:
        now = self._clock()
        if now - self._logged_at.get(key, -pause_s) < pause_s:
            self._left_out[key] += 1
            return ''
        self._logged_at[key] = now
        left_out = self._left_out.pop(key, 0)
        return one_line(text) + (f' ({left_out} more since the last line)' if left_out else '')


class GuardedNode(Node):
    """
    A node whose subscriptions and services survive any message or request.

    A callback refuses a message by raising a :class:`HerRosError`. The message is counted in the
    diagnostics, one line is logged per pause, and the node goes on. Any other exception is a bug
    of ours. It is logged with its type and place, counted apart as ``unexpected_errors``, and the
    node goes on as well: a robot is safer with a bridge and a policy that check the next message
    than without them, and whoever can send one such message can send another to every restart.
    :class:`StopNode` ends the node.

    Timers go on after a bug, too. There is no message to refuse in a timer, so a
    :class:`HerRosError` or an :class:`OSError` ends the node there.

    Messages are taken serialised, so that a damaged one is counted like any other; the middleware
    would drop it silently.

    :param name: name of the node
    """

    def __init__(self, name: str, **options: Any) -> None:
        self.log = ThrottledLog(self)
        #: messages and requests refused so far, by topic or service
        self.refused: Counter[str] = Counter()
        #: exceptions in callbacks that are bugs of this package
        self.unexpected_errors = 0
        #: the last refusal by topic, until a message is accepted there
        self.problems: dict[str, str] = {}
        super().__init__(name, automatically_declare_parameters_from_overrides=True, **options)

    def create_subscription(
        self,
        msg_type: Any,
        topic: str,
        callback: Callable[..., object],
        qos_profile: Any,
        *,
        raw: bool = False,
        pause_s: float = PAUSE_S,
        **options: Any,
    ) -> Any:
        """
        Create a subscription.

        :param callback: takes the message, or the message and rclpy's information about it
        :param raw: give the callback the serialised message
        :param pause_s: seconds between two log lines about refused messages of this topic
        """

        def receive(cdr: bytes, *message_info: Any) -> None:
            try:
                message = cdr if raw else _deserialized(cdr, msg_type, topic)
                callback(message, *message_info)
            except Exception as error:
                self.problems[topic] = self._refuse(topic, error, pause_s)
            else:
                self.problems.pop(topic, None)

        def receive_message(cdr: bytes) -> None:
            receive(cdr)

        def receive_with_info(cdr: bytes, message_info: Any) -> None:
            receive(cdr, message_info)

        # rclpy tells by the number of arguments whether a callback wants to know the publisher.
        wants_info = len(inspect.signature(callback).parameters) == 2
        taken = receive_with_info if wants_info else receive_message
        return super().create_subscription(
            msg_type, topic, taken, qos_profile, raw=True, **options
        )

    def create_timer(
        self,
        timer_period_sec: float,
        callback: Callable[[], object],
        clock: Clock,
        **options: Any,
    ) -> Any:
        """
        Create a timer that goes on after an unexpected exception.

        :param clock: the steady one, which nobody sets
        """

        def tick() -> None:
            try:
                callback()
            except (HerRosError, OSError):
                raise
            except Exception as error:
                self._raise_if_final(error)
                self._note_bug(_TIMER, error)

        return super().create_timer(timer_period_sec, tick, clock=clock, **options)

    def create_service(
        self, srv_type: Any, srv_name: str, callback: Callable[[Any, Any], Any], **options: Any
    ) -> Any:
        """Create a service. A request that is refused gets a response that says why."""
        return super().create_service(
            srv_type, srv_name, self.guarded_service(srv_name, callback), **options
        )

    def guarded_service(
        self, name: str, callback: Callable[[Any, Any], Any]
    ) -> Callable[[Any, Any], Any]:
        """Return a service callback that answers any request."""

        def answer(request: Any, response: Any) -> Any:
            try:
                _require_known_types(request)
                return callback(request, response)
            except Exception as error:
                self._refuse(name, error)
                return _failed(request, response, one_line(error))

        return answer

    def _refuse(self, name: str, error: Exception, pause_s: float = PAUSE_S) -> str:
        """
        Count and log an error; raise it again if it is to end the node.

        :param name: topic or service
        :return: the error in one line
        """
        self._raise_if_final(error)
        self.refused[name] += 1
        if not isinstance(error, HerRosError):
            return self._note_bug(name, error, pause_s)
        self.log.error(name, f'{error}; ignored', pause_s)
        return one_line(f'{error}; ignored')

    def _note_bug(self, name: str, error: Exception, pause_s: float = PAUSE_S) -> str:
        """Count and log an unexpected exception; return its line."""
        self.unexpected_errors += 1
        text = f'{name}: {described(error)}; ignored, please report it'
        # Refusals of the same topic must not hide the first line about a bug.
        self.log.error(f'{name} {_place(error)}', text, pause_s)
        return one_line(text)

    def _raise_if_final(self, error: Exception) -> None:
        if isinstance(error, StopNode | ExternalShutdownException) or not self.context.ok():
            raise error

    def guard_report(self) -> dict[str, object]:
        """Return what was refused, for the diagnostics."""
        return {
            'messages_refused': self.refused.total(),
            'unexpected_errors': self.unexpected_errors,
            **{f'refused_{name}': count for name, count in sorted(self.refused.items())},
        }


def _deserialized(cdr: bytes, msg_type: Any, topic: str) -> Any:
    """
    Read a message.

    :raises HerRosError: if its bytes are no message of this type
    """
    try:
        return deserialize_message(cdr, msg_type)
    except RuntimeError:
        raise HerRosError(
            f'{len(cdr)} bytes came that are no {msg_type.__name__}',
            'see who publishes them: ros2 topic info --verbose',
            topic,
        ) from None


def _require_known_types(request: Any) -> None:
    """
    Check the parameters of a request, as rclpy raises a ValueError for some.

    :raises HerRosError: if one is of a type that does not exist
    """
    for each in getattr(request, 'parameters', []):
        if each.value.type > ParameterType.PARAMETER_STRING_ARRAY:
            raise HerRosError(
                f'parameter {each.name!r} is of the unknown type {each.value.type}',
                'use one of rcl_interfaces/ParameterType',
            )


def described(error: Exception) -> str:
    """Describe an exception by its type, its text and where it was raised."""
    return f'{type(error).__name__}: {error} ({_place(error)})'


def _place(error: Exception) -> str:
    """Return where an exception was raised, innermost, and where in this package."""
    stack = traceback.extract_tb(error.__traceback__)
    ours = [each for each in stack if f'{_PACKAGE}/' in each.filename]
    places = [f'{Path(p.filename).name}:{p.lineno} in {p.name}' for p in (stack[-1], *ours[-1:])]
    return ', '.join(dict.fromkeys(places))


def _failed(request: Any, response: Any, reason: str) -> Any:
    """Say in a response that its request was refused, in the fields that it has."""
    if hasattr(response, 'success'):
        response.success = False
    if hasattr(response, 'message'):
        response.message = reason
    result = SetParametersResult(successful=False, reason=reason)
    if isinstance(getattr(response, 'result', None), SetParametersResult):
        response.result = result
    if hasattr(response, 'results') and hasattr(request, 'parameters'):
        # Parameters before the one that failed have their results already.
        missing = len(request.parameters) - len(response.results)
        response.results = [*response.results, *[result] * missing]
    return response
