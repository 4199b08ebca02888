"""The ``policy`` node: answers ``step`` with ``action``, in training and on the robot."""

from collections.abc import Callable
from functools import partial
from typing import Any

from rcl_interfaces.msg import SetParametersResult
from rclpy.duration import Duration
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import UInt8MultiArray
from std_srvs.srv import Trigger

from her_ros.core.errors import HerRosError
from her_ros.core.robot_parameters import PolicyParameters
from her_ros.core.run_folder import start_number
from her_ros.core.seeds import generator
from her_ros.core.task import task_named
from her_ros.core.topics import ACTION, POLICY, STEP
from her_ros.deploy import realtime
from her_ros.deploy.exploration import Exploration
from her_ros.deploy.guarded import GuardedActor
from her_ros.deploy.lock_step import LockStepActor
from her_ros.deploy.models import Models
from her_ros.deploy.policy import OnnxPolicy
from her_ros.deploy.watchdog import State
from her_ros.nodes.lifecycle import refuse_impossible_transitions
from her_ros.nodes.messages import policy_of
from her_ros.nodes.node import Diagnostics, publishers_of, read_parameters, run
from her_ros.nodes.qos import LATCHED, LOCK_STEP, with_deadline

_MODEL, _SHA256 = 'model', 'model_sha256'
# How long the last safe action may take to arrive before ROS ends.
_LAST_WORDS = Duration(seconds=0.2)
# What the diagnostics say of a stop.
_STOPS = {
    State.STOPPED: 'stopped until a fresh observation comes',
    State.LATCHED: 'stopped until it is activated again',
}
_SUCCESS, _FAILURE = TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE


class PolicyNode(LifecycleNode):
    """Acts with the newest policy; a new one acts from the next episode on, or on request."""

    def __init__(self) -> None:
        super().__init__('policy', automatically_declare_parameters_from_overrides=True)
        p = self._config = read_parameters(self, PolicyParameters)
        self._task = task_named(p.task)
        start = start_number(p.run_dir, 'policy', p.worker)
        self._generator = generator(p.seed, 'policy', p.worker, start)
        self._guard: GuardedActor | LockStepActor | None = None  # while configured
        self._leave: list[Callable[[], object]] = []
        self._collector = realtime.GarbageCollector() if p.collect_between_steps else None
        self._problems: dict[str, str] = {}  # by origin, until something right comes from there
        self._stops_told: list[str] = []
        self._diagnostics = Diagnostics(self, self._status)
        self.add_on_set_parameters_callback(self._on_parameters)
        refuse_impossible_transitions(self)
        if p.autostart:
            # First by itself, as what goes wrong is to end the node.
            self._configure()
            self.trigger_configure()
            self.trigger_activate()

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Verify the model, and join the topics."""
        try:
            if self._guard is None:
                self._configure()
        except Exception as error:  # rclpy would drop it without a word
            self._refuse(_MODEL, error)
            return _FAILURE
        self._problems.clear()
        return _SUCCESS

    def _configure(self) -> None:
        p = self._config
        for line in realtime.apply(p):
            self.get_logger().info(line)
        self._models = Models(self._task, p.verify_key)
        guard = self._new_guard()
        model, expected_sha256 = self._value(_MODEL), self._value(_SHA256)
        if model or not (p.accept_policies or p.explore):
            self._offer(guard, self._models.from_file(model, expected_sha256))
        self._join_topics()
        guard.start()
        self._guard = guard
        if self._collector is not None:
            self._collector.freeze()

    def _new_guard(self) -> GuardedActor | LockStepActor:
        p = self._config
        noise = Exploration(p.noise_std, p.random_probability, p.hold_steps)
        exploration = noise if p.explore else None
        if p.deployment:
            return GuardedActor(self._task, p, exploration, self._generator, self._send)
        return LockStepActor(self._task, exploration, self._generator, self._send)

    def _join_topics(self) -> None:
        p, step_qos, action_qos = self._config, LOCK_STEP, LOCK_STEP
        if p.deployment:
            # Within an episode, the watchdog speaks as often if nothing else does.
            action_qos = with_deadline(LOCK_STEP, p.deadline_s + self._task.control_period_s)
        if p.request_deadline:
            step_qos = with_deadline(LOCK_STEP, p.deadline_s)
        # Rows stay serialised up to here: one copy instead of rclpy's field by field.
        raw = {'raw': True}
        self._publisher = self.create_publisher(PointCloud2, ACTION, action_qos)
        steps = self.create_subscription(PointCloud2, STEP, self._on_step, step_qos, **raw)
        self._leave = [
            partial(self.destroy_subscription, steps),
            partial(self.destroy_publisher, self._publisher),
        ]
        if p.accept_policies:
            policies = self.create_subscription(UInt8MultiArray, POLICY, self._on_policy, LATCHED)
            self._leave.append(partial(self.destroy_subscription, policies))
        if p.deployment:
            swap = self.create_service(Trigger, '~/swap_now', self._on_swap)
            self._leave.append(partial(self.destroy_service, swap))

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Start to act."""
        if self._guard is not None:
            self._guard.activate()
        return super().on_activate(state)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Bring the safe action, and stop acting."""
        if self._guard is not None:
            self._guard.deactivate()
        return super().on_deactivate(state)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Bring the safe action, and stop acting, for good."""
        self.close()
        return super().on_shutdown(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Leave the topics, and free the model."""
        self.close()
        return super().on_cleanup(state)

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Bring the safe action; nothing stays configured."""
        self.close()
        return _SUCCESS

    def last_words(self) -> None:
        """Bring the safe action before ROS ends; comes from another thread."""
        if (guard := self._guard) is not None:
            guard.deactivate()
            if self.context.ok():
                self._publisher.wait_for_all_acked(_LAST_WORDS)

    def close(self) -> None:
        """Bring the safe action, then let go of all that configuring has made."""
        if self._guard is not None:
            self.last_words()
            self._guard.close()
        for leave in self._leave:
            leave()
        self._guard, self._leave = None, []
        if self._collector is not None:
            self._collector.release()

    def _value(self, name: str) -> str:
        return str(self.get_parameter(name).value)

    def _send(self, message: bytes) -> None:
        self._publisher.publish(message)

    def _offer(self, guard: GuardedActor | LockStepActor, policy: OnnxPolicy) -> None:
        self.get_logger().info(policy.describe())
        guard.actor.offer(policy)

    def _on_parameters(self, parameters: list[Any]) -> SetParametersResult:
        given = {parameter.name: parameter.value for parameter in parameters}
        # Without a guard there is nothing to offer it to; configuring will verify it.
        if _MODEL in given and self._guard is not None:
            expected_sha256 = given.get(_SHA256, self._value(_SHA256))
            try:
                policy = self._models.from_file(given[_MODEL], expected_sha256)
            except HerRosError as error:
                self._refuse(_MODEL, error)
                return SetParametersResult(successful=False, reason=str(error))
            self._offer(self._guard, policy)
            self._problems.pop(_MODEL, None)
        return SetParametersResult(successful=True)

    def _on_policy(self, message: UInt8MultiArray) -> None:
        if self._guard is None:
            return
        try:
            self._offer(self._guard, self._models.from_topic(*policy_of(message)))
        except HerRosError as error:
            self._refuse(POLICY, error)
        else:
            self._problems.pop(POLICY, None)

    def _on_swap(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        response.message = 'no policy waits; set the parameter model first'
        if self._guard is not None and self._guard.actor.swap():
            policy = self._guard.actor.policy
            response.success, response.message = True, policy.describe() if policy else ''
        return response

    def _on_step(self, cdr: bytes) -> None:
        if (guard := self._guard) is None:
            return
        try:
            guard.answer(cdr)
        except HerRosError as error:
            self._problems[STEP] = str(error)
            self.get_logger().error(str(error), throttle_duration_sec=5.0)
        else:
            self._problems.pop(STEP, None)
        if guard.actor.sessions_mixed:
            raise HerRosError(
                f'two environments send on one topic; stop one of {publishers_of(self, STEP)}'
            )
        if self._collector is not None:
            self._collector.between_steps()

    def _refuse(self, origin: str, error: Exception) -> None:
        self._problems[origin] = str(error)
        self.get_logger().error(str(error))

    def _status(self) -> dict[str, object]:
        guard = self._guard
        state = State.INACTIVE if guard is None else guard.state
        waits = '' if guard is not None and guard.actor.ready else 'a policy'
        waits = 'its activation' if state is State.INACTIVE else waits
        stop = [_STOPS[state]] if state in _STOPS else []
        problems = [*stop, *self._problems.values()]
        if stop != self._stops_told:
            self._stops_told = stop
            self.get_logger().warning(stop[0] if stop else 'no longer stopped')
        policy = None if guard is None else guard.actor.policy
        return {
            'message': '; '.join(problems) or (f'waits for {waits}' if waits else 'acting'),
            'level': b'\x02' if stop else b'\x01' if problems or waits else b'\x00',
            'waits_for': waits,
            'policy_version': policy.version if policy else 0,
            'policy_sha256': policy.sha256 if policy else '',
            **({} if guard is None else guard.report()),
        }


def main() -> None:
    """Run the node."""
    run(PolicyNode)


if __name__ == '__main__':
    main()
