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

"""The ``sim_env`` node: N simulated environments behind ``step`` and ``action``."""

from collections.abc import Iterable
import secrets
import time

from geometry_msgs.msg import PointStamped
from her_ros.config.parameters.nodes import SimEnvParameters
from her_ros.nodes.demand import Demand
from her_ros.nodes.guarded_node import GuardedNode, ONE_BY_ONE_S
from her_ros.nodes.messages import goal_of, stamp_ns_of
from her_ros.nodes.node import Diagnostics, read_parameters, run, steady_timer
from her_ros.nodes.qos import COMMAND, LOCK_STEP
from her_ros.nodes.rivalry import Crowd
from her_ros.nodes.scene import ScenePublisher
from her_ros.runtime.errors import HerRosError
from her_ros.runtime.pace import Pace
from her_ros.runtime.run_folder import Start
from her_ros.runtime.seeds import integer_seed, SIM_ENV_ROLE
from her_ros.runtime.states import GoalStatus, WaitsFor
from her_ros.sim.rollout import PipelinedRollouts
from her_ros.tasks.disturbances import parse_disturbances
from her_ros.tasks.registry import task_named
from her_ros.wire.cloud import CloudDecoder, encode_cloud
from her_ros.wire.rows import action_dtype, Rows
from her_ros.wire.topics import ACTION, COLLECTION_ENABLED, GOAL, STEP
import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import PointCloud2
from std_srvs.srv import SetBool, Trigger


class SimEnvNode(GuardedNode):
    """Publishes states, waits for the actions that answer them, and repeats unanswered states."""

    def __init__(self) -> None:
        super().__init__('sim_env')
        self._config = p = read_parameters(self, SimEnvParameters)
        self._task = task = task_named(p.task, p.arm)
        self._start = Start(p.run_dir, 'sim_env', p.worker)
        seed = integer_seed(p.seed, SIM_ENV_ROLE, p.worker, self._start.number)
        seeds = [seed + i for i in range(p.num_envs)]
        self._pace = Pace(task.control_period_s) if p.real_time else None
        session = secrets.randbits(32)
        disturbances = parse_disturbances(p.disturb, p.disturb_share)
        self._rollouts = PipelinedRollouts(
            task, seeds, p.threads, session, self._pace, disturbances
        )
        self._scene = ScenePublisher(self, task) if p.publish_scene else None
        self._decoder = CloudDecoder(action_dtype(task))
        self._goal: NDArray[np.float64] | None = None
        # Result of the last goal: its stamp, its state, and the reason.
        self._goal_report = (0, GoalStatus.NONE, '')
        self._paused = False
        # This is only reported: the first action for a step counts.
        self._policies = Crowd(self, ACTION, 'more than one node publishes actions')
        self._environments = Crowd(self, STEP, 'another environment sends too')
        # By first environment of a group: when its rows were last sent, and first sent.
        self._sent_at: dict[int, float] = {}
        self._moved_at: dict[int, float] = {}
        self._resent = 0
        self._steps_done, self._steps_reported = 0, (time.monotonic(), 0)
        self._publisher = self.create_publisher(PointCloud2, STEP, LOCK_STEP)
        # Rows arrive serialised: decoding them here avoids rclpy's copy field by field.
        self.create_subscription(PointCloud2, ACTION, self._on_action, LOCK_STEP, raw=True)
        self._demand = Demand(self, p.follow_collection_enabled, self._on_demand)
        self.create_subscription(PointStamped, GOAL, self._on_goal, COMMAND, pause_s=ONE_BY_ONE_S)
        self.create_service(SetBool, '~/pause', self._on_pause)
        self.create_service(Trigger, '~/reset', self._on_reset)
        steady_timer(self, min(p.action_timeout_s / 2, 0.1), self._on_time)
        self._diagnostics = Diagnostics(self, self._status)

    def _on_action(self, cdr: bytes) -> None:
        if self._paused or self._rollouts.finished:
            return
        for rows in self._rollouts.accept(self._decoder.decode([cdr])[0]):
            self._send([rows])
            self._steps_done += len(rows)
        if self._rollouts.finished:
            self._start_rollout()

    def _on_demand(self) -> None:
        if self._rollouts.finished:
            self._start_rollout()

    def _on_goal(self, message: PointStamped) -> None:
        state, text = GoalStatus.REFUSED, ''
        try:
            if self._task.goal_size != 3:
                raise HerRosError(
                    f'{self._task.name} has goals of {self._task.goal_size} numbers, and a point'
                    ' has 3',
                    'send goals to tasks whose goal is a position',
                    GOAL,
                )
            self._goal = goal_of(message)
            state, text = GoalStatus.SET, f'{self._goal.tolist()} from the next rollout on'
        except HerRosError as error:
            text = str(error)
            raise
        finally:
            self._goal_report = (stamp_ns_of(message.header.stamp), state, text)
            self._diagnostics.publish()

    def _on_pause(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        self._paused = request.data
        response.success = True
        response.message = 'paused' if request.data else 'running'
        if not self._paused and self._rollouts.finished:
            self._start_rollout()
        elif not self._paused:
            if self._pace is not None:
                self._pace.start()
            self._send(self._rollouts.unanswered, again=True)
        return response

    def _on_reset(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        """Abandon the present rollout and start another; the recorder drops the incomplete one."""
        response.success = not self._paused
        response.message = 'paused: unpause first' if self._paused else 'a new rollout begins'
        if response.success and not self._rollouts.finished:
            self._send(self._rollouts.start(self._goal))
        elif response.success:
            self._start_rollout()
        return response

    def _on_time(self) -> None:
        """Start a rollout when possible, and repeat unanswered states; called by a timer."""
        if self._paused:
            return
        if self._rollouts.finished:
            self._start_rollout()
        now, timeout_s = time.monotonic(), self._config.action_timeout_s
        for rows in self._rollouts.unanswered:
            env, step = int(rows['env'][0]), rows['step'][0]
            if now - self._sent_at[env] < timeout_s:
                continue
            self._resent += 1
            self._send([rows], again=True)
            if (waited := now - self._moved_at[env]) > 5.0:
                topic = self.resolve_topic_name(ACTION)
                self.log.warning(
                    'no action',
                    f'{topic}: nothing for step {step} in {waited:.0f} s; is the policy node'
                    ' running and active, and does it have a policy?',
                    pause_s=10.0,
                )

    def _start_rollout(self) -> None:
        if not self._paused and not self._waits_for():
            self._send(self._rollouts.start(self._goal))

    def _send(self, messages: Iterable[Rows], again: bool = False) -> None:
        for rows in messages:
            stamp_ns = time.time_ns()
            self._publisher.publish(encode_cloud(rows, stamp_ns))
            env, now = int(rows['env'][0]), time.monotonic()
            if self._scene is not None and env == 0:
                self._scene.publish(self._rollouts.first_qpos(), rows['desired_goal'][0], stamp_ns)
            self._sent_at[env] = now
            if not again:
                self._moved_at[env] = now

    def _stuck_since(self) -> float:
        """Return the time since which the oldest unanswered state waits for its action."""
        waiting = [self._moved_at[int(rows['env'][0])] for rows in self._rollouts.unanswered]
        return min(waiting, default=np.inf)

    def _waits_for(self) -> WaitsFor:
        """Return the reason why the next rollout does not start."""
        return WaitsFor.PAUSE if self._paused else self._demand.waits_for()

    def _awaited(self, waits: WaitsFor) -> str:
        """Describe the condition that the node waits for, with its topic."""
        topics = {WaitsFor.ACTION: ACTION, WaitsFor.TRAINER: COLLECTION_ENABLED}
        if waits in topics:
            return f'{waits} on {self.resolve_topic_name(topics[waits])}'
        return str(waits)

    def _status(self) -> dict[str, object]:
        now, (then, steps) = time.monotonic(), self._steps_reported
        self._steps_reported = (now, self._steps_done)
        idle = self._rollouts.finished or self._paused
        waits = self._waits_for() if idle else WaitsFor.NOTHING
        goal_stamp_ns, goal_state, goal_result = self._goal_report
        troubles = [each.trouble() for each in (self._policies, self._environments, self._demand)]
        problem = '; '.join(filter(None, troubles))
        stuck = not waits and now - self._stuck_since() > 1.0
        awaited = self._awaited(WaitsFor.ACTION if stuck else waits)
        return {
            'message': problem or (f'waits for {awaited}' if awaited else 'running'),
            'level': b'\x01' if stuck or problem else b'\x00',
            'waits_for': awaited,
            'goal_stamp_ns': goal_stamp_ns,
            'goal_state': goal_state,
            'goal_result': goal_result,
            'env_steps': self._steps_done,
            'env_steps_per_s': round((self._steps_done - steps) / max(now - then, 1e-9), 1),
            'rollouts': self._rollouts.episode,
            'states_sent_again': self._resent,
            'late_steps': self._pace.late if self._pace is not None else 0,
        }


def main() -> None:
    """Run the node."""
    run(SimEnvNode, config=SimEnvParameters)


if __name__ == '__main__':
    main()
