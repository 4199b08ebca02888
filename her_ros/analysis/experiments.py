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

"""The built-in experiments of ``her-ros experiment``."""

from dataclasses import dataclass

from her_ros.config.schema import ConfigError


@dataclass(frozen=True)
class Variant:
    """
    One side of a comparison: what it changes of a task's shipped parameters.

    The name is a part of run and topic names: letters, digits and _ only.
    """

    name: str
    overrides: tuple[str, ...] = ()


@dataclass(frozen=True)
class Experiment:
    """A comparison; every variant is run with every seed."""

    name: str
    question: str
    #: the first one is what the others are measured against
    variants: tuple[Variant, ...]


# The goals that a task may add beside HER's would blur a comparison of HER's own.
_ALONE = 'trainer.her.past_goal_k=0'
_ALL_STATES = 'trainer.motion_fraction=0.0'


def _choices(parameter: str, *values: str, also: tuple[str, ...] = ()) -> tuple[Variant, ...]:
    """Make a variant of every value of one parameter of the trainer."""
    return tuple(Variant(value, (f'trainer.{parameter}={value}', *also)) for value in values)


def _symmetries(name: str, front_back: float, left_right: float, offset_m: float) -> Variant:
    """Make a variant whose samples are transformed in this way, whatever the task's file says."""
    values = {
        'symmetry.front_back': front_back,
        'symmetry.left_right': left_right,
        'symmetry.offset_m': offset_m,
    }
    return Variant(name, tuple(f'trainer.{key}={value}' for key, value in values.items()))


EXPERIMENTS = (
    Experiment(
        'her',
        'HER against the same agent without it',
        (Variant('no_her', ('trainer.her.k=0', _ALONE)), Variant('her', (_ALONE,))),
    ),
    Experiment(
        'strategies',
        'which goals to put in: HER paper, section 4.5',
        _choices('her.strategy', 'final', 'future', 'episode', 'random', also=(_ALONE,)),
    ),
    Experiment(
        'k',
        'how many relabelled samples per sample that keeps its goal',
        tuple(Variant(f'k_{k}', (f'trainer.her.k={k}', _ALONE)) for k in (0, 1, 4, 8)),
    ),
    Experiment(
        'priority',
        'which transitions to draw: all alike, by TD error, by energy',
        (
            # A task's own preference for states before moves would be a fourth way to draw.
            Variant('uniform', ('trainer.priority.kind=none', _ALL_STATES)),
            *_choices('priority.kind', 'td_error', 'energy', also=(_ALL_STATES,)),
        ),
    ),
    Experiment(
        'curriculum',
        'goals by proximity and diversity, against goals drawn alike',
        (
            Variant('off', ('trainer.curriculum.enabled=false',)),
            Variant('on', ('trainer.curriculum.enabled=true',)),
        ),
    ),
    Experiment(
        'agents',
        'DDPG, TD3 and SAC; the latter two with the two critics they are made for',
        (
            Variant('ddpg', ('trainer.agent=ddpg',)),
            *_choices('agent', 'td3', 'sac', also=('trainer.critic.count=2',)),
        ),
    ),
    Experiment(
        'exploration',
        'noise on every action, random actions, and random actions held for some steps',
        (
            Variant('noise', ('policy.exploration.random_probability=0.0',)),
            Variant(
                'random', ('policy.exploration.noise_std=0.0', 'policy.exploration.hold_steps=1')
            ),
            Variant('noise_random', ('policy.exploration.hold_steps=1',)),
            Variant('noise_held', ('policy.exploration.hold_steps=4',)),
        ),
    ),
    Experiment(
        'symmetries',
        'samples as recorded, mirrored in two ways, moved on the table, and all of that',
        (
            _symmetries('none', 0.0, 0.0, 0.0),
            _symmetries('left_right', 0.0, 0.5, 0.0),
            _symmetries('front_back', 0.5, 0.0, 0.0),
            _symmetries('offset', 0.0, 0.0, 0.1),
            _symmetries('all', 0.5, 0.5, 0.1),
        ),
    ),
)


def experiment_named(name: str) -> Experiment:
    """
    Return an experiment.

    :raises ConfigError: if there is none of that name
    """
    for experiment in EXPERIMENTS:
        if experiment.name == name:
            return experiment
    known = ', '.join(each.name for each in EXPERIMENTS)
    raise ConfigError(f'no experiment {name!r}', f'there are {known}')
