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

"""The ``robot_bridge`` node: connects a robot's own topics to ``step`` and ``action``."""

from collections.abc import Callable, Mapping
import secrets
import threading
import time
from typing import Any

from geometry_msgs.msg import PointStamped, PoseStamped
from her_ros.arms.placement import placement_of
from her_ros.config.parameters.robot import RobotBridgeParameters
from her_ros.episodes.splitting import is_end
from her_ros.nodes.arm import ArmPublisher
from her_ros.nodes.guarded_node import GuardedNode, ONE_BY_ONE_S
from her_ros.nodes.measurements import Measurements
from her_ros.nodes.messages import stamp_ns_of
from her_ros.nodes.node import Diagnostics, read_parameters, run, steady_timer
from her_ros.nodes.publishers import ActionSource
from her_ros.nodes.qos import COMMAND, LOCK_STEP, SCENE, with_deadline
from her_ros.nodes.robot_model import published_urdf
from her_ros.nodes.scene import goal_marker
from her_ros.nodes.transforms import tf2_transforms
from her_ros.robot.bridge.control import RobotControl
from her_ros.robot.bridge.goals import GoalEvent
from her_ros.robot.bridge.measurement_clock import MeasurementClock
from her_ros.robot.bridge.observer import listed
from her_ros.robot.errors import RobotError
from her_ros.robot.frames import Floats, Lookup, Pose, task_frames
from her_ros.runtime.errors import HerRosError
from her_ros.runtime.states import GoalStatus, WaitsFor
from her_ros.tasks.registry import task_named
from her_ros.wire.cloud import CloudDecoder, encode_cloud
from her_ros.wire.rows import action_dtype, Rows
from her_ros.wire.topics import (
    ACTION,
    GOAL,
    GOAL_POSE,
    MARKERS,
    ROBOT_DESCRIPTION,
    STEP,
)
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import Header
from std_srvs.srv import Trigger
from visualization_msgs.msg import MarkerArray

# Control periods for which zero velocity is commanded to a moving robot when the node ends.
_FINAL_COMMANDS = 5
# States of waiting that are no warning.
_CALM = (WaitsFor.NOTHING, WaitsFor.GOAL)
# Offered deadline of rows in control periods; there is one row per period.
_OFFERED_PERIODS = 2


class RobotBridgeNode(GuardedNode):
    """Publishes one row per control period, and sends the policy's actions to the robot."""

    def __init__(self) -> None:
        super().__init__('robot_bridge')
        self._config = p = read_parameters(self, RobotBridgeParameters)
        self._task = task_named(p.task, p.arm)
        self._description = placement_of(self._task).description
        self._frames = task_frames(self._task, p, self._lookup_from)
        session, urdf = secrets.randbits(32), self._published_model()
        self._control = RobotControl(self._task, p, self._frames, session, urdf)
        # Held from a decision until its command is published, so that none follows the final one.
        self._lock = threading.Lock()
        self._is_over = False
        self._decoder = CloudDecoder(action_dtype(self._task))
        self._stamp_ns = 0  # of the last measurement of the arm
        self._ended, self._successes = 0, 0
        self._logged_problem = ''  # empty: none
        self._actions = ActionSource(self, ACTION)
        self._goal_event: GoalEvent | None = None
        self._join_policy()
        self._join_robot()
        period_s, base_frame = self._task.control_period_s, self._frames.base_frame
        self._arm = ArmPublisher(self, p, self._control, period_s, base_frame)
        self._markers = self.create_publisher(MarkerArray, MARKERS, SCENE)
        self.create_service(Trigger, '~/reset', self._on_reset)
        self.create_service(Trigger, '~/stop', self._on_stop)
        steady_timer(self, 1.0, self._draw_goal)
        self._measurement_clock = MeasurementClock(self._task.control_period_s)
        steady_timer(self, self._task.control_period_s / 8, self._on_time)
        self._diagnostics = Diagnostics(self, self._status)

    def _lookup_from(self, base_frame: str) -> Lookup | None:
        is_needed = self._config.tool_source == 'tf'
        self._transforms = tf2_transforms(self, base_frame, is_needed)
        return None if self._transforms is None else self._transforms.lookup

    def _published_model(self) -> str:
        """Return the text of the model where the robot publishes it, and it is needed."""
        is_published = self._description.model.source == ROBOT_DESCRIPTION
        is_needed = is_published and self._config.tool_source == 'joint_states'
        return published_urdf(self) if is_needed else ''

    def _join_policy(self) -> None:
        offered = with_deadline(LOCK_STEP, _OFFERED_PERIODS * self._task.control_period_s)
        self._steps = self.create_publisher(PointCloud2, STEP, offered)
        self.create_subscription(PointCloud2, ACTION, self._on_action, LOCK_STEP, raw=True)

    def _join_robot(self) -> None:
        self._measurements = Measurements(
            self, self._config, self._frames, self._transforms, self._control, self._arm_measured
        )
        for kind, topic, take, qos in (
            (PointStamped, GOAL, self._take_goal, COMMAND),
            (PoseStamped, GOAL_POSE, self._take_goal_pose, COMMAND),
        ):
            receive = self._goal_receiver(take)
            self.create_subscription(kind, topic, receive, qos, pause_s=ONE_BY_ONE_S)

    def _goal_receiver(self, take: Callable[[Any], None]) -> Callable[[Any], None]:
        """Return a callback that notes refused goals, and publishes the events of goals."""

        def receive(message: Any) -> None:
            try:
                take(message)
            except HerRosError as error:
                self._control.goals.refuse(stamp_ns_of(message.header.stamp), str(error))
                raise
            finally:
                self._report_goals()

        return receive

    def _arm_measured(self, stamp_ns: int) -> None:
        self._stamp_ns = stamp_ns
        if self._measurement_clock.measured(time.monotonic()):
            self._begin_period()

    def _take_goal(self, message: PointStamped) -> None:
        point = Pose.of(GOAL, (message.point.x, message.point.y, message.point.z))
        self._set_goal(GOAL, message.header, point)

    def _take_goal_pose(self, message: PoseStamped) -> None:
        position = message.pose.position
        point = Pose.of(GOAL_POSE, (position.x, position.y, position.z))
        self._set_goal(GOAL_POSE, message.header, point)

    def _set_goal(self, topic: str, header: Header, point: Pose) -> None:
        position = self._frames.to_world(header.frame_id, point, topic).position
        self._require_one_policy()
        with self._lock:
            self._control.set_goal(position, time.monotonic(), stamp_ns_of(header.stamp))
        goal = self._control.goals.last
        assert goal is not None
        self.get_logger().info(f'new goal {_text(goal.position)}')
        self._draw_goal()

    def _require_one_policy(self) -> None:
        if trouble := self._actions.trouble():
            raise RobotError(trouble)

    def _report_goals(self) -> None:
        """Publish the events of goals without waiting for the next diagnostics."""
        with self._lock:
            events = self._control.goals.events()
        for self._goal_event in events:
            self._diagnostics.publish()

    def _draw_goal(self) -> None:
        # Repeated, as a viewer may start later.
        if (goal := self._control.goals.last) is not None:
            self._markers.publish(goal_marker(self._task, goal.position, time.time_ns()))

    def _on_reset(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        try:
            self._require_one_policy()
            with self._lock:
                self._control.reset(time.monotonic())
        except HerRosError as error:
            response.success, response.message = False, str(error)
        else:
            response.success, response.message = True, 'an episode begins'
        self._report_goals()
        return response

    def _on_time(self) -> None:
        if self._measurement_clock.overdue(time.monotonic()):
            self._begin_period()

    def _begin_period(self) -> None:
        try:
            with self._lock:
                rows = None if self._is_over else self._next_rows()
            if rows is not None and is_end(rows)[0]:
                self._log_end(rows)
        except Exception as error:
            # After any error there is no next period, so the last command must be zero.
            with self._lock:
                self._halt(str(error))
            raise
        finally:
            self._log_problem()
            self._report_goals()

    def _next_rows(self) -> Rows | None:
        """Run one control period; the lock must be held."""
        if self._control.moving and (trouble := self._actions.trouble()):
            self._halt(trouble)
        tick = self._control.tick(time.monotonic())
        if tick.rows is not None:
            self._steps.publish(encode_cloud(tick.rows, self._stamp_ns))
        if tick.command is not None:
            self._arm.send(tick.command)
        return tick.rows

    def _log_problem(self) -> None:
        if self._control.problem != self._logged_problem:
            self._logged_problem = self._control.problem
            if self._logged_problem:
                self.get_logger().error(self._logged_problem)

    def _halt(self, reason: str) -> None:
        """Stop a moving robot after a fault; the lock must be held."""
        if (command := self._control.halt(reason, time.monotonic())) is not None:
            self._control.problem = f'gave up: {reason}'
            self._arm.send(command)

    def _on_action(self, cdr: bytes, message_info: Mapping[str, Any]) -> None:
        try:
            with self._lock:
                episode = self._control.episodes.episode
                trouble = self._actions.trouble_with(message_info, episode)
                if trouble and self._control.moving:
                    self._halt(trouble)
            answers = self._decoder.decode([cdr])[0]
            with self._lock:
                command = self._control.answer(answers, time.monotonic())
                if command is not None and not self._is_over:
                    self._arm.send(command)
        finally:
            self._log_problem()
            self._report_goals()

    def _on_stop(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        response.success, response.message = True, 'nothing went on'
        with self._lock:
            if (command := self._control.halt('stopped by ~/stop', time.monotonic())) is not None:
                self._arm.send(command)
                response.message = 'stopped; a goal or ~/reset begins again'
        self._report_goals()
        return response

    def send_final_action(self) -> None:
        """Command zero velocity to a moving robot before ROS ends; called from another thread."""
        with self._lock:
            self._is_over = True
            command = self._control.halt('the bridge ends', time.monotonic())
        if command is not None:
            # Fast DDS drops messages not yet delivered when their publisher ends.
            for _ in range(_FINAL_COMMANDS):
                self._arm.send(command)
                time.sleep(self._task.control_period_s)
        if self.context.ok():
            self._report_goals()

    def close(self) -> None:
        """Do the same where an error ends the node."""
        if not self._is_over and self.context.ok():
            self.send_final_action()

    def _log_end(self, rows: Rows) -> None:
        row = rows[0]
        self._ended += 1
        self._successes += int(row['is_success'])
        distance = float(self._task.distance(row['achieved_goal'], row['desired_goal']))
        self.get_logger().info(f'episode {row["episode"]}: {end_text(row, distance)}')

    def _status(self) -> dict[str, object]:
        now_s, control = time.monotonic(), self._control
        waits, row = control.waits_for(now_s), control.episodes.rows[0]
        missing = control.missing(now_s)
        awaited = listed(missing) or str(waits)
        state = f'waits for {awaited}' if waits else str(control.state(now_s))
        # Messages of another driver may be valid meanwhile.
        problems = {
            **self._measurements.problems(now_s),
            **self.problems,
            'control': control.problem,
        }
        present = {topic: each for topic, each in problems.items() if each}
        problem = '; '.join(present.values())
        if present and [each.topic for each in missing] == [*present][:1]:
            problem = f'waits for {problem}'
        distance = self._task.distance(row['achieved_goal'], row['desired_goal'])
        event = self._goal_event or GoalEvent(0, GoalStatus.NONE, '')
        return {
            'message': problem or state,
            'level': b'\x01' if problem or waits not in _CALM else b'\x00',
            'state': state,
            'waits_for': awaited,
            'goal': _text(row['desired_goal']) if control.episodes.running else '',
            'next_goal': '' if control.goals.last is None else _text(control.goals.last.position),
            'goal_stamp_ns': event.stamp_ns,
            'goal_state': event.state,
            'goal_result': event.text,
            'episode': int(row['episode']),
            'step': int(row['step']),
            'distance_m': round(float(distance), 3) if row['episode'] else '',
            'episodes_ended': self._ended,
            'episodes_succeeded': self._successes,
            'states_unanswered': control.unanswered,
        }


def end_text(row: Any, distance_m: float) -> str:
    """
    Return how an episode ended, for the log.

    :param row: its last row
    :param distance_m: from the goal
    """
    goal, steps = _text(row['desired_goal']), f'{row["step"]} steps'
    if row['is_success']:
        return f'reached the goal {goal} in {steps}, {100 * distance_m:.1f} cm from its middle'
    return f'missed the goal {goal} by {100 * distance_m:.1f} cm in {steps}'


def _text(position: Floats) -> str:
    return '(' + ', '.join(f'{value:.3f}' for value in position) + ')'


def main() -> None:
    """Run the node."""
    run(RobotBridgeNode, config=RobotBridgeParameters)


if __name__ == '__main__':
    main()
