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

"""Earlier names of nodes and parameters, which the files of earlier runs hold."""

from collections.abc import Collection, Mapping
from typing import Any

#: earlier name to present one; a name that a node still has means that parameter
RENAMED = {
    'actor_learning_rate': 'actor.learning_rate',
    'action_l2': 'actor.action_l2',
    'guard': 'offline_regularizer',
    'policy_average': 'actor.ema',
    'critic_learning_rate': 'critic.learning_rate',
    'critic_layer_norm': 'critic.layer_norm',
    'critics': 'critic.count',
    'target_update': 'tau',
    'target_noise_std': 'td3.noise_std',
    'target_noise_clip': 'td3.noise_clip',
    'policy_delay': 'td3.policy_delay',
    'goal_strategy': 'her.strategy',
    'future_goals': 'her.k',
    'past_goals': 'her.past_goal_k',
    'goal_offset_m': 'her.goal_offset_m',
    'moved_share': 'motion_fraction',
    'priority': 'priority.kind',
    'priority_alpha': 'priority.alpha',
    'priority_beta': 'priority.beta',
    'priority_beta_updates': 'priority.beta_updates',
    'mirror_left_right': 'symmetry.left_right',
    'mirror_front_back': 'symmetry.front_back',
    'horizontal_offset_m': 'symmetry.offset_m',
    'curriculum': 'curriculum.enabled',
    'curriculum_candidates': 'curriculum.candidates',
    'curriculum_weight': 'curriculum.weight',
    'curriculum_doubling': 'curriculum.doubling_updates',
    'observation_clip': 'normalizer.input_clip',
    'normalized_clip': 'normalizer.output_clip',
    'minimum_std': 'normalizer.minimum_std',
    'stop_success': 'stop.success_rate',
    'stop_evaluations': 'stop.evaluations',
    'max_env_steps': 'stop.env_steps',
    'follow_collect': 'follow_collection_enabled',
    'explore': 'exploration.enabled',
    'noise_std': 'exploration.noise_std',
    'random_probability': 'exploration.random_probability',
    'hold_steps': 'exploration.hold_steps',
    'max_action': 'safety.max_action',
    'max_action_change': 'safety.max_action_change',
    'max_action_acceleration': 'safety.max_action_acceleration',
    'workspace': 'safety.workspace',
    'ramp_s': 'safety.ramp_s',
    'deadline_s': 'watchdog.deadline_s',
    'recovery': 'watchdog.recovery',
    'clock_tolerance_s': 'watchdog.clock_tolerance_s',
    'request_deadline': 'watchdog.request_deadline',
    'scheduler_priority': 'realtime.scheduler_priority',
    'cpu_affinity': 'realtime.cpu_affinity',
    'lock_memory': 'realtime.lock_memory',
    'collect_between_steps': 'realtime.collect_between_steps',
    'output': 'command.output',
    'full_action_speed_mps': 'command.full_action_speed_mps',
    'twist_units': 'command.twist_units',
    'unitless_scale_mps': 'command.unitless_scale_mps',
    'max_joint_speed': 'command.max_joint_speed',
    'input_timeout_s': 'timeout.input_s',
    'policy_timeout_s': 'timeout.policy_s',
    'goal_timeout_s': 'timeout.goal_s',
}

#: earlier parameter of ``simulated_robot`` to the disturbance that it is now, and its value at
#: strength 1; its name may have been preceded by ``faults.``
FAULTS = {
    'object_noise_m': ('object_noise_m', 0.01),
    'joint_noise_rad': ('gripper_noise_m', 0.011),
    'latency_s': ('latency_periods', 0.04),
    'drop_probability': ('lost_share', 0.05),
}

#: parameter to present values by earlier ones
RENAMED_VALUES = {'command.output': {'trajectory': 'joint_trajectory'}}

#: node to its present name
RENAMED_NODES = {'fetch_env': 'sim_env'}


def with_present_names(values: Mapping[str, Any], known: Collection[str]) -> dict[str, Any]:
    """
    Return values under the present names of their parameters, and present names of values.

    :param known: names of the node's parameters
    """
    faults = faults_in(values, known)
    present = {
        present_name(name, known): value for name, value in values.items() if name not in faults
    }
    if faults:
        present.setdefault('disturb', disturbances_of(faults))
    for name, renamed in RENAMED_VALUES.items():
        if isinstance(value := present.get(name), str):
            present[name] = renamed.get(value, value)
    return present


def present_name(name: str, known: Collection[str]) -> str:
    """Return the present name of a parameter of a node; a name that was never used is kept."""
    if _is_fault(name, known):
        return 'disturb'
    present = RENAMED.get(name, name)
    return present if name not in known and present in known else name


def faults_in(values: Mapping[str, Any], known: Collection[str]) -> dict[str, Any]:
    """Return the values of earlier parameters that the parameter ``disturb`` replaces."""
    return {name: value for name, value in values.items() if _is_fault(name, known)}


def _is_fault(name: str, known: Collection[str]) -> bool:
    return name not in known and 'disturb' in known and name.removeprefix('faults.') in FAULTS


def disturbances_of(faults: Mapping[str, Any]) -> str:
    """Return earlier parameters as disturbances with their strengths."""
    parts = []
    for name, value in faults.items():
        disturbance, unit = FAULTS[name.removeprefix('faults.')]
        if isinstance(value, int | float) and value:
            parts.append(f'{disturbance}:{value / unit:g}')
    return ','.join(parts)
