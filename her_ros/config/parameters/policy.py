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

"""Parameters of the ``policy`` node, its safety filter and its watchdog."""

from dataclasses import dataclass

from her_ros.config.parameters.shared import NodeParameters
from her_ros.config.schema import parameter
from her_ros.runtime.states import Recovery


@dataclass(frozen=True)
class SafetyParameters:
    """Bounds of the actions that leave ``policy`` in deployment, in units of the action limit."""

    safety_max_action: float = parameter(
        1.0,
        'largest action in any component',
        minimum=0.0,
        maximum=1.0,
        group='safety',
    )
    safety_max_action_change: float = parameter(
        1.0,
        'largest change of a component per control period',
        minimum=1e-3,
        maximum=2.0,
        group='safety',
    )
    safety_max_action_acceleration: float = parameter(
        2.0,
        'largest change of that change per control period',
        minimum=1e-3,
        maximum=4.0,
        group='safety',
    )
    safety_workspace: tuple[float, ...] = parameter(
        (1.05, 0.4, 0.38, 1.6, 1.1, 1.0),
        'box that the gripper is kept in: least x, y, z, then greatest; metres, world frame',
        minimum=-100.0,
        maximum=100.0,
        length=6,
        group='safety',
    )
    safety_ramp_s: float = parameter(
        0.2,
        'seconds in which the largest action grows from 0, after activation and after a stop',
        minimum=0.0,
        maximum=60.0,
        group='safety',
    )


@dataclass(frozen=True)
class WatchdogParameters:
    """Deadlines after which ``policy`` stops acting by itself, in deployment."""

    watchdog_deadline_s: float = parameter(
        0.1,
        'stop when no fresh observation came for so long within an episode',
        minimum=0.001,
        maximum=60.0,
        group='watchdog',
    )
    watchdog_recovery: str = parameter(
        'automatic',
        'after a stop: automatic acts again with fresh observations, latched with the next'
        ' activation',
        choices=(Recovery.AUTOMATIC, Recovery.LATCHED),
        group='watchdog',
    )
    watchdog_clock_tolerance_s: float = parameter(
        0.02,
        'refuse stamps that lie in the future by more',
        minimum=0.0,
        maximum=60.0,
        group='watchdog',
    )
    watchdog_request_deadline: bool = parameter(
        False,
        'ask the publisher of step for watchdog.deadline_s as quality of service; without that'
        ' offer nothing is received',
        group='watchdog',
    )


@dataclass(frozen=True)
class RealTimeParameters:
    """Scheduling, cores and memory that ``policy`` asks the operating system for."""

    realtime_scheduler_priority: int = parameter(
        0,
        'priority under SCHED_FIFO, one less than that of the watchdog; 0: the normal scheduler',
        minimum=0,
        maximum=98,
        group='realtime',
    )
    realtime_cpu_affinity: tuple[int, ...] = parameter(
        (-1,),
        'cores to run on; -1: any',
        minimum=-1,
        maximum=1023,
        group='realtime',
    )
    realtime_lock_memory: bool = parameter(
        False,
        'keep all memory in RAM',
        group='realtime',
    )
    realtime_collect_between_steps: bool = parameter(
        False,
        'freeze what is loaded, and collect garbage after an answer, never within one',
        group='realtime',
    )


@dataclass(frozen=True)
class PolicyParameters(NodeParameters, SafetyParameters, WatchdogParameters, RealTimeParameters):
    """Parameters of ``policy``; the defaults of the noise are those of OpenAI baselines' HER."""

    worker: int = parameter(0, 'number of this worker in the run', minimum=0, maximum=999)
    autostart: bool = parameter(True, 'configure and activate at start')
    deployment: bool = parameter(
        True,
        'act behind safety filter and watchdog, as on a robot; false: within the limits, in'
        ' lock-step with a simulation',
    )
    model: str = parameter(
        '', 'ONNX file to act with; a new one acts from the next episode on', live=True
    )
    model_sha256: str = parameter(
        '', 'SHA-256 that the next file must have; empty: any', live=True
    )
    accept_policies: bool = parameter(False, 'take policies from the policy topic too')
    accept_arm: bool = parameter(
        False, 'take policies that were trained for the task on another arm too'
    )
    verify_key: str = parameter(
        '', 'Ed25519 public key, PEM: only policies signed with its other half act; empty: any'
    )
    exploration_enabled: bool = parameter(
        False,
        'act with exploration noise',
        group='exploration',
    )
    exploration_noise_std: float = parameter(
        0.2,
        'standard deviation of the Gaussian noise, of the action limit',
        minimum=0.0,
        maximum=1.0,
        start=True,
        group='exploration',
    )
    exploration_random_probability: float = parameter(
        0.3,
        'share of the actions that are uniformly random',
        minimum=0.0,
        maximum=1.0,
        start=True,
        group='exploration',
    )
    exploration_hold_steps: int = parameter(
        1,
        'steps for which a random action is held',
        minimum=1,
        maximum=1000,
        group='exploration',
    )
