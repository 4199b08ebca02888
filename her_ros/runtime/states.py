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

"""States of nodes, goals and runs. Their values are written to diagnostics and result files."""

from enum import StrEnum


class WaitsFor(StrEnum):
    """Events that a node waits for. Diagnostics may add the name of a topic after the value."""

    NOTHING = ''
    #: ``policy``: the lifecycle transition ``activate``
    ACTIVATION = 'its activation'
    #: ``policy``: a model
    POLICY = 'a policy'
    #: ``sim_env``: the end of a pause
    PAUSE = 'pause to end'
    #: ``sim_env``: a publisher that repeats ``collection_enabled``
    TRAINER = 'a trainer'
    #: ``sim_env``: ``collection_enabled`` to be true
    DEMAND = 'the trainer to ask for more'
    #: ``sim_env``: the answer to its last ``step``
    ACTION = 'an action'
    #: ``trainer``: recorded episodes
    BAGS = 'bags'
    #: ``trainer``: the result of an evaluation
    EVALUATION = 'the evaluation'
    #: ``evaluator``: a policy to evaluate
    POLICY_TO_EVALUATE = 'a policy to evaluate'
    #: ``robot_bridge``: measurements; diagnostics name their topics instead
    INPUTS = 'inputs'
    #: ``robot_bridge``: the answer to an episode's first ``step``
    FIRST_ACTION = 'the policy'
    #: ``robot_bridge``: a goal
    GOAL = 'a goal'


class RobotState(StrEnum):
    """Activity of a robot."""

    #: see :class:`WaitsFor`
    WAITING = 'waiting'
    STARTING = 'about to begin'
    HOMING = 'coming home'
    ACTING = 'acting'


class GoalStatus(StrEnum):
    """Status of a goal. Another status follows ``ACCEPTED`` and ``ACTING``."""

    #: no goal was sent
    NONE = ''
    ACCEPTED = 'accepted'
    ACTING = 'acting'
    REFUSED = 'refused'
    REACHED = 'reached'
    MISSED = 'missed'
    GIVEN_UP = 'given up'
    #: a simulation has accepted it; it reports nothing more
    SET = 'set'


class Outcome(StrEnum):
    """Reason why a training ended."""

    #: the stop rule was met
    SOLVED = 'solved'
    #: ``stop.env_steps`` was reached first
    LIMIT = 'limit'
    #: offline training made all its updates
    TRAINED = 'trained'


class Recovery(StrEnum):
    """Event that ends a stop of a robot: the choices of the parameter ``recovery``."""

    #: fresh inputs
    AUTOMATIC = 'automatic'
    #: a person
    LATCHED = 'latched'
