"""The ``policy`` node: answers ``step`` with ``action``, in training and on the robot."""

import time
from pathlib import Path

from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import UInt8MultiArray

from her_ros.core.cloud import CloudDecoder, encode_cloud
from her_ros.core.errors import HerRosError
from her_ros.core.robot_parameters import PolicyParameters
from her_ros.core.rows import step_dtype
from her_ros.core.run_folder import start_number
from her_ros.core.seeds import generator
from her_ros.core.task import task_named
from her_ros.deploy.actor import Actor
from her_ros.deploy.exploration import Exploration
from her_ros.deploy.policy import OnnxPolicy
from her_ros.nodes.messages import bytes_of
from her_ros.nodes.node import Diagnostics, publishers_of, read_parameters, run
from her_ros.nodes.qos import ACTION, LATCHED, LOCK_STEP, POLICY, STEP


class PolicyNode(LifecycleNode):
    """Serves the newest ONNX policy; a new one acts from the next rollout on."""

    def __init__(self) -> None:
        super().__init__('policy', automatically_declare_parameters_from_overrides=True)
        self._config = read_parameters(self, PolicyParameters)
        self._task = task_named(self._config.task)
        self._decoder = CloudDecoder(step_dtype(self._task))
        self._active = False
        self._answered = 0
        self._problems: dict[str, str] = {}  # by topic, until something right comes there
        self._diagnostics = Diagnostics(self, self._status)
        self._actor = self._new_actor()
        if self._config.autostart:
            self.trigger_configure()
            self.trigger_activate()

    def _new_actor(self) -> Actor:
        p = self._config
        noise = Exploration(p.noise_std, p.random_probability, p.hold_steps)
        exploration = noise if p.explore else None
        start = start_number(p.run_dir, 'policy', p.worker)
        actor = Actor(self._task, exploration, generator(p.seed, 'policy', p.worker, start))
        if p.model:
            actor.offer(OnnxPolicy.load(Path(p.model), self._task))
        return actor

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Join the topics."""
        self._publisher = self.create_publisher(PointCloud2, ACTION, LOCK_STEP)
        self._subscriptions_open = [
            # Rows stay serialised up to here: one copy instead of rclpy's field by field.
            self.create_subscription(PointCloud2, STEP, self._on_step, LOCK_STEP, raw=True),
            self.create_subscription(UInt8MultiArray, POLICY, self._on_policy, LATCHED),
        ]
        return TransitionCallbackReturn.SUCCESS

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Start to answer."""
        self._active = True
        return super().on_activate(state)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop answering."""
        self._active = False
        return super().on_deactivate(state)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop answering, for good."""
        self._active = False
        return super().on_shutdown(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Leave the topics."""
        for subscription in self._subscriptions_open:
            self.destroy_subscription(subscription)
        self.destroy_publisher(self._publisher)
        return TransitionCallbackReturn.SUCCESS

    def _on_policy(self, message: UInt8MultiArray) -> None:
        try:
            self._actor.offer(OnnxPolicy(bytes_of(message), 'policy topic', self._task))
        except HerRosError as error:
            self._complain(POLICY, error)
        else:
            self._problems.pop(POLICY, None)

    def _on_step(self, cdr: bytes) -> None:
        if not self._active:
            return
        try:
            answers = self._actor.answer(self._decoder.decode([cdr])[0])
        except HerRosError as error:
            self._complain(STEP, error)
            return
        self._problems.pop(STEP, None)
        if self._actor.sessions_mixed:
            raise HerRosError(
                f'two environments send on one topic; stop one of {publishers_of(self, STEP)}'
            )
        if len(answers):
            self._publisher.publish(encode_cloud(answers, time.time_ns()))
            self._answered += len(answers)

    def _complain(self, topic: str, error: HerRosError) -> None:
        self._problems[topic] = str(error)
        self.get_logger().error(str(error), throttle_duration_sec=5.0)

    def _status(self) -> dict[str, object]:
        policy = self._actor.policy
        waits = '' if self._actor.ready else 'a policy'
        waits = waits if self._active else 'its activation'
        problem = '; '.join(self._problems.values())
        return {
            'message': problem or (f'waits for {waits}' if waits else 'acting'),
            'level': b'\x01' if problem or waits else b'\x00',
            'waits_for': waits,
            'policy_version': policy.version if policy else 0,
            'policy_sha256': policy.sha256 if policy else '',
            'answers': self._answered,
        }


def main() -> None:
    """Run the node."""
    run(PolicyNode)


if __name__ == '__main__':
    main()
