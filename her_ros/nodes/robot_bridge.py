"""The ``robot_bridge`` node: between a robot's own topics and ``step`` and ``action``."""

import secrets
import threading
import time
from collections.abc import Callable
from typing import Any

from geometry_msgs.msg import PointStamped, PoseStamped
from rclpy.node import Node
from sensor_msgs.msg import JointState, PointCloud2
from std_srvs.srv import Trigger
from visualization_msgs.msg import MarkerArray

from her_ros.core.cloud import CloudDecoder, encode_cloud
from her_ros.core.errors import HerRosError
from her_ros.core.robot_parameters import RobotBridgeParameters
from her_ros.core.rows import Rows, action_dtype
from her_ros.core.task import task_named
from her_ros.core.topics import ACTION, GOAL, GOAL_POSE, JOINT_STATES, MARKERS, OBJECT_POSE, STEP
from her_ros.nodes.arm import ArmPublisher
from her_ros.nodes.node import Diagnostics, read_parameters, run
from her_ros.nodes.qos import COMMAND, LOCK_STEP, SCENE, SENSOR, with_deadline
from her_ros.nodes.scene import goal_marker
from her_ros.nodes.transforms import pose_of, stamp_ns_of, tf2_lookup
from her_ros.robot.arrivals import Arrivals
from her_ros.robot.beat import Beat
from her_ros.robot.control import RobotControl
from her_ros.robot.frames import Floats, Frames, Pose

# Rows come once per control period; this many periods is what subscribers may count on.
_OFFERED_PERIODS = 2


class RobotBridgeNode(Node):
    """Asks the policy once per control period, and tells the robot what it answers."""

    def __init__(self) -> None:
        super().__init__('robot_bridge', automatically_declare_parameters_from_overrides=True)
        self._config = p = read_parameters(self, RobotBridgeParameters)
        self._task = task_named(p.task)
        base = Pose.of('base_pose', p.base_pose[:3], p.base_pose[3:])
        self._frames = Frames(p.base_frame, base, tf2_lookup(self, p.base_frame))
        self._control = RobotControl(self._task, p, self._frames, secrets.randbits(32))
        # Held from a decision until it is on its way, so that no command follows the last one.
        self._lock = threading.Lock()
        self._is_over = False
        self._decoder = CloudDecoder(action_dtype(self._task))
        self._arrivals = {
            topic: Arrivals(topic, p.input_timeout_s) for topic in (JOINT_STATES, OBJECT_POSE)
        }
        self._problems: dict[str, str] = {}  # by topic, until something right comes there
        self._stamp_ns = 0  # of the joints seen last
        self._ended, self._successes = 0, 0
        self._told = ''  # of the problems
        self._join_policy()
        self._join_robot()
        self._arm = ArmPublisher(self, p, self._control, self._task.control_period_s)
        self._markers = self.create_publisher(MarkerArray, MARKERS, SCENE)
        self.create_service(Trigger, '~/reset', self._on_reset)
        self.create_service(Trigger, '~/stop', self._on_stop)
        self.create_timer(1.0, self._draw_goal)
        self._beat = Beat(self._task.control_period_s)
        self.create_timer(self._task.control_period_s / 8, self._on_time)
        self._diagnostics = Diagnostics(self, self._status)

    def _join_policy(self) -> None:
        offered = with_deadline(LOCK_STEP, _OFFERED_PERIODS * self._task.control_period_s)
        self._steps = self.create_publisher(PointCloud2, STEP, offered)
        self.create_subscription(PointCloud2, ACTION, self._on_action, LOCK_STEP, raw=True)

    def _join_robot(self) -> None:
        for kind, topic, take, qos in (
            (JointState, JOINT_STATES, self._take_joints, SENSOR),
            (PoseStamped, OBJECT_POSE, self._take_object, SENSOR),
            (PointStamped, GOAL, self._take_goal, COMMAND),
            (PoseStamped, GOAL_POSE, self._take_goal_pose, COMMAND),
        ):
            self.create_subscription(kind, topic, self._receiver(topic, take), qos)

    def _receiver(self, topic: str, take: Callable[[Any], None]) -> Callable[[Any], None]:
        """Return what takes the messages of a topic, and tells of those that do not fit."""

        def receive(message: Any) -> None:
            try:
                take(message)
            except HerRosError as error:
                self._problems[topic] = str(error)
                # Goals come one by one, measurements many times a second.
                pause_s = 0.0 if topic in (GOAL, GOAL_POSE) else 5.0
                self.get_logger().error(f'{error}; ignored', throttle_duration_sec=pause_s)
            else:
                self._problems.pop(topic, None)

        return receive

    def _take_joints(self, message: JointState) -> None:
        joints = (message.name, message.position, message.velocity)
        measured_s, stamp_ns = self._measured(JOINT_STATES, message)
        # Only the arm's driver begins periods, not each driver that publishes joints.
        if self._control.observer.take_joints(*joints, measured_s):
            self._stamp_ns = stamp_ns
            if self._beat.measured(time.monotonic()):
                self._begin_period()

    def _take_object(self, message: PoseStamped) -> None:
        pose = pose_of(OBJECT_POSE, message.pose.position, message.pose.orientation)
        pose = self._frames.to_world(message.header.frame_id, pose, OBJECT_POSE)
        self._control.observer.take_object(pose, self._measured(OBJECT_POSE, message)[0])

    def _measured(self, topic: str, message: Any) -> tuple[float, int]:
        """Return when a message was measured: monotonic seconds, and wall time in nanoseconds."""
        now_ns, stamp_ns = time.time_ns(), stamp_ns_of(message.header.stamp)
        measured_s = self._arrivals[topic].measured_s(stamp_ns, now_ns, time.monotonic())
        return measured_s, min(stamp_ns or now_ns, now_ns)

    def _take_goal(self, message: PointStamped) -> None:
        point = Pose.of(GOAL, (message.point.x, message.point.y, message.point.z))
        self._set_goal(GOAL, message.header.frame_id, point)

    def _take_goal_pose(self, message: PoseStamped) -> None:
        position = message.pose.position
        point = Pose.of(GOAL_POSE, (position.x, position.y, position.z))
        self._set_goal(GOAL_POSE, message.header.frame_id, point)

    def _set_goal(self, topic: str, frame: str, point: Pose) -> None:
        self._control.set_goal(self._frames.to_world(frame, point, topic).position)
        goal = self._control.goal
        assert goal is not None
        self.get_logger().info(f'new goal {_text(goal)}')
        self._draw_goal()

    def _draw_goal(self) -> None:
        # Again and again, as a viewer may come later.
        if (goal := self._control.goal) is not None:
            self._markers.publish(goal_marker(self._task, goal, time.time_ns()))

    def _on_reset(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        try:
            self._control.reset()
        except HerRosError as error:
            response.success, response.message = False, str(error)
        else:
            response.success, response.message = True, 'an episode begins'
        return response

    def _on_time(self) -> None:
        if self._beat.overdue(time.monotonic()):
            self._begin_period()

    def _begin_period(self) -> None:
        with self._lock:
            if self._is_over:
                return
            tick = self._control.tick(time.monotonic())
            if tick.rows is not None:
                self._steps.publish(encode_cloud(tick.rows, self._stamp_ns))
            if tick.command is not None:
                self._arm.send(tick.command)
        if tick.rows is not None and tick.rows['truncated'][0]:
            self._tell_end(tick.rows)
        if self._control.problem != self._told:
            self._told = self._control.problem
            if self._told:
                self.get_logger().error(self._told)

    def _on_action(self, cdr: bytes) -> None:
        try:
            answers = self._decoder.decode([cdr])[0]
            with self._lock:
                command = self._control.answer(answers, time.monotonic())
                if command is not None and not self._is_over:
                    self._arm.send(command)
        except HerRosError as error:
            self.get_logger().error(f'{error}; ignored', throttle_duration_sec=5.0)

    def _on_stop(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        response.success, response.message = True, 'nothing went on'
        with self._lock:
            if (command := self._control.halt()) is not None:
                self._arm.send(command)
                response.message = 'stopped; a goal or ~/reset begins again'
        return response

    def last_words(self) -> None:
        """Tell a robot in motion to stand still before ROS ends; comes from another thread."""
        with self._lock:
            self._is_over = True
            if (command := self._control.halt()) is not None:
                self._arm.send(command)

    def _tell_end(self, rows: Rows) -> None:
        row = rows[0]
        self._ended += 1
        self._successes += int(row['is_success'])
        distance = float(self._task.distance(row['achieved_goal'], row['desired_goal']))
        self.get_logger().info(
            f'episode {row["episode"]}: {"reached" if row["is_success"] else "missed"} the goal'
            f' {_text(row["desired_goal"])} by {100 * distance:.1f} cm in {row["step"]} steps'
        )

    def _status(self) -> dict[str, object]:
        now_s, control = time.monotonic(), self._control
        state, row = control.state(now_s), control.episodes.rows[0]
        # Messages of another driver may be right meanwhile.
        refused = {topic: each.problem(now_s) for topic, each in self._arrivals.items()}
        problems = {**refused, **self._problems, 'control': control.problem}
        problem = '; '.join(filter(None, problems.values()))
        waits = state.removeprefix('waits for ') if state.startswith('waits for ') else ''
        if waits and problem.startswith(waits):
            problem = f'waits for {problem}'
        distance = self._task.distance(row['achieved_goal'], row['desired_goal'])
        return {
            'message': problem or state,
            'level': b'\x01' if problem or (waits and waits != 'a goal') else b'\x00',
            'state': state,
            'waits_for': waits,
            'goal': _text(row['desired_goal']) if control.episodes.running else '',
            'next_goal': '' if control.goal is None else _text(control.goal),
            'episode': int(row['episode']),
            'step': int(row['step']),
            'distance_m': round(float(distance), 3),
            'episodes_ended': self._ended,
            'episodes_succeeded': self._successes,
            'states_unanswered': control.unanswered,
        }


def _text(position: Floats) -> str:
    return '(' + ', '.join(f'{value:.3f}' for value in position) + ')'


def main() -> None:
    """Run the node."""
    run(RobotBridgeNode, config=RobotBridgeParameters)


if __name__ == '__main__':
    main()
