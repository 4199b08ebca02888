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

"""The ``policy`` node: answers ``step`` with ``action``, in training and on the robot."""

from collections.abc import Callable
from functools import partial

from her_ros.arms.errors import ArmError
from her_ros.arms.registry import with_workspace
from her_ros.config.parameters.policy import PolicyParameters
from her_ros.nodes.guarded_node import GuardedNode
from her_ros.nodes.lifecycle import guard_lifecycle_services
from her_ros.nodes.model_intake import ModelIntake
from her_ros.nodes.node import Diagnostics, read_parameters, run
from her_ros.nodes.publishers import TopicSource
from her_ros.nodes.qos import LOCK_STEP, with_deadline
from her_ros.nodes.rivalry import Rivalry
from her_ros.policy import realtime
from her_ros.policy.exploration import Exploration
from her_ros.policy.lock_step import LockStepPolicyServer
from her_ros.policy.safety.safe_policy_server import SafePolicyServer
from her_ros.policy.state import State
from her_ros.runtime.run_folder import Start
from her_ros.runtime.seeds import generator
from her_ros.runtime.states import WaitsFor
from her_ros.tasks.goal_task import GoalTask
from her_ros.tasks.registry import task_named
from her_ros.wire.sessions import Sessions
from her_ros.wire.topics import ACTION, POLICY, STEP
from rclpy.duration import Duration
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from sensor_msgs.msg import PointCloud2

# Time for the last safe action to arrive before ROS ends.
_LAST_WORDS = Duration(seconds=0.2)
# Seconds between two log lines about a persistent problem.
_REPEAT_S = 10.0
# Text of the diagnostics for each reason of a stop.
_STOPS = {
    State.STOPPED: 'stopped until a fresh observation comes',
    State.LATCHED: 'stopped until it is activated again',
}
_SUCCESS, _FAILURE = TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE


class PolicyNode(GuardedNode, LifecycleNode):
    """Acts with the newest policy; a new one acts from the next episode on, or on request."""

    def __init__(self) -> None:
        super().__init__('policy')
        p = self._config = read_parameters(self, PolicyParameters)
        self._task = _with_workspace(self, task_named(p.task, p.arm))
        self._start = Start(p.run_dir, 'policy', p.worker)
        self._generator = generator(p.seed, 'policy', p.worker, self._start.number)
        self._server: SafePolicyServer | LockStepPolicyServer | None = None  # while configured
        self._leave: list[Callable[[], object]] = []
        self._collector = realtime.GarbageCollector() if p.realtime_collect_between_steps else None
        self._intake = ModelIntake(self, self._task, p)
        self._stops_reported: list[str] = []
        self._environments = Rivalry(self, STEP, 'another environment sends and is not answered')
        self._trainers = Rivalry(self, POLICY, 'another run sends policies, which are not taken')
        self._diagnostics = Diagnostics(self, self._status)
        guard_lifecycle_services(self)
        if p.autostart:
            # Configured directly first, so that an error ends the node.
            self._configure()
            self.trigger_configure()
            self.trigger_activate()

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Verify the model, and join the topics."""
        try:
            if self._server is None:
                self._configure()
        except Exception as error:  # rclpy would drop the error silently
            self.close()
            self._intake.refuse(error, pause_s=0.0)
            return _FAILURE
        return self._reached('inactive', state)

    def _configure(self) -> None:
        p = self._config
        for line in realtime.apply(p):
            self.get_logger().info(line)
        server = self._new_server()
        self._intake.open(server.policy_server)
        self._join_topics()
        server.start()
        self._server = server
        self.problems.clear()
        if self._collector is not None:
            self._collector.freeze()

    def _new_server(self) -> SafePolicyServer | LockStepPolicyServer:
        p = self._config
        noise = Exploration(
            p.exploration_noise_std, p.exploration_random_probability, p.exploration_hold_steps
        )
        exploration = noise if p.exploration_enabled else None
        sessions = Sessions(TopicSource(self, STEP))
        common = exploration, self._generator, self._send
        if p.deployment:
            return SafePolicyServer(self._task, p, *common, sessions=sessions)
        return LockStepPolicyServer(self._task, *common, sessions)

    def _join_topics(self) -> None:
        p, step_qos, action_qos = self._config, LOCK_STEP, LOCK_STEP
        if p.deployment:
            # Within an episode, the watchdog publishes at the same rate if nothing else does.
            action_qos = with_deadline(
                LOCK_STEP, p.watchdog_deadline_s + self._task.control_period_s
            )
        if p.watchdog_request_deadline:
            step_qos = with_deadline(LOCK_STEP, p.watchdog_deadline_s)
        # Rows arrive serialised: decoding them here avoids rclpy's copy field by field.
        raw = {'raw': True}
        self._publisher = self.create_publisher(PointCloud2, ACTION, action_qos)
        steps = self.create_subscription(PointCloud2, STEP, self._on_step, step_qos, **raw)
        self._leave = [
            partial(self.destroy_subscription, steps),
            partial(self.destroy_publisher, self._publisher),
        ]

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Start to act."""
        if self._server is not None:
            self._server.activate()
        super().on_activate(state)
        return self._reached('active', state)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Send the safe action, and stop acting."""
        if self._server is not None:
            self._server.deactivate()
        super().on_deactivate(state)
        return self._reached('inactive', state)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Send the safe action, and stop acting permanently."""
        self.close()
        super().on_shutdown(state)
        return self._reached('finalized', state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Leave the topics, and free the model."""
        self.close()
        super().on_cleanup(state)
        return self._reached('unconfigured', state)

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Send the safe action, and clean up."""
        self.close()
        return self._reached('unconfigured', state)

    def _reached(self, label: str, before: LifecycleState) -> TransitionCallbackReturn:
        self.get_logger().info(f'lifecycle: {label}, was {before.label}')
        return _SUCCESS

    def send_final_action(self) -> None:
        """Send the safe action before ROS ends; called from another thread."""
        if (server := self._server) is not None:
            server.deactivate()
            if self.context.ok():
                self._publisher.wait_for_all_acked(_LAST_WORDS)

    def close(self) -> None:
        """Send the safe action, then release everything that configuring made."""
        if self._server is not None:
            self.send_final_action()
            self._server.close()
        self._intake.close()
        for leave in self._leave:
            leave()
        self._server, self._leave = None, []
        if self._collector is not None:
            self._collector.release()

    def _send(self, message: bytes) -> None:
        self._publisher.publish(message)

    def _on_step(self, cdr: bytes) -> None:
        if (server := self._server) is None:
            return
        try:
            server.answer(cdr)
        finally:
            if self._collector is not None:
                self._collector.between_steps()

    def _status(self) -> dict[str, object]:
        server = self._server
        state = State.INACTIVE if server is None else server.state
        is_ready = server is not None and server.policy_server.ready
        waits = WaitsFor.NOTHING if is_ready else WaitsFor.POLICY
        waits = WaitsFor.ACTIVATION if state is State.INACTIVE else waits
        stop = [_STOPS[state]] if state in _STOPS else []
        foreign_steps = 0 if server is None else server.sessions.refused
        problems = [*stop, *self._intake.problems.values(), *self.problems.values()]
        problems += filter(None, self._others(foreign_steps))
        if stop != self._stops_reported:
            self._stops_reported = stop
            self.get_logger().warning(stop[0] if stop else 'no longer stopped')
        policy = None if server is None else server.policy_server.policy
        acts = 'acting' if server is not None and server.in_episode else 'ready'
        return {
            'message': '; '.join(problems) or (f'waits for {waits}' if waits else acts),
            'level': b'\x02' if stop else b'\x01' if problems or waits else b'\x00',
            'waits_for': waits,
            'policy_version': policy.version if policy else 0,
            'foreign_steps': foreign_steps,
            'foreign_policies': self._intake.foreign,
            'policy_sha256': policy.sha256 if policy else '',
            **({} if server is None else server.report()),
        }

    def _others(self, foreign_steps: int) -> list[str]:
        """Return texts about ignored messages of other nodes; empty if there are none."""
        if unused := self._intake.unused_policies():
            self.log.warning('unused policies', unused, _REPEAT_S)
        environments = self._environments.trouble(foreign_steps)
        return [unused, environments, self._trainers.trouble(self._intake.foreign)]


def _with_workspace(node: GuardedNode, task: GoalTask) -> GoalTask:
    """Return a task with the workspace of its arm, if that is described on this machine."""
    try:
        return with_workspace(task)
    except ArmError as error:
        node.get_logger().warning(f'{error}; the workspace of policies is not checked')
        return task


def main() -> None:
    """Run the node."""
    run(PolicyNode, config=PolicyParameters)


if __name__ == '__main__':
    main()
