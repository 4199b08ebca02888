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

"""Quality of service per topic, for both ends; the topic names are in wire/topics.py."""

from rclpy.duration import Duration
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy


def _reliable(depth: int, durability: DurabilityPolicy) -> QoSProfile:
    return QoSProfile(
        depth=depth,
        history=HistoryPolicy.KEEP_LAST,
        reliability=ReliabilityPolicy.RELIABLE,
        durability=durability,
    )


#: ``step`` and ``action``
LOCK_STEP = _reliable(10, DurabilityPolicy.VOLATILE)
#: ``step`` and ``action`` at the recorder, which may be busy for a moment but must miss nothing
RECORDING = _reliable(1000, DurabilityPolicy.VOLATILE)
#: ``policy``, ``evaluation/policy`` and ``collection_enabled``: late subscribers get the last one
LATCHED = _reliable(1, DurabilityPolicy.TRANSIENT_LOCAL)
#: ``rollout_recorded``
HINT = _reliable(1, DurabilityPolicy.VOLATILE)
#: ``goal``: RViz publishes volatile
COMMAND = _reliable(1, DurabilityPolicy.VOLATILE)
#: measurements and commands of a robot, as for ros2_control and MoveIt Servo: reliable publishers
#: match subscribers of either reliability, and commands must be published reliably
ROBOT = _reliable(10, DurabilityPolicy.VOLATILE)
#: subscriptions to measurements: best effort matches drivers of either reliability
SENSOR = QoSProfile(
    depth=10,
    history=HistoryPolicy.KEEP_LAST,
    reliability=ReliabilityPolicy.BEST_EFFORT,
    durability=DurabilityPolicy.VOLATILE,
)
#: scene of a simulation: a reliable publisher matches subscribers of either reliability
SCENE = _reliable(1, DurabilityPolicy.VOLATILE)
#: ``/rosout``, as rclpy offers it: late subscribers get recent lines
LOG = _reliable(1000, DurabilityPolicy.TRANSIENT_LOCAL)
#: ``/diagnostics``
STATUS = _reliable(10, DurabilityPolicy.VOLATILE)


def with_deadline(profile: QoSProfile, seconds: float) -> QoSProfile:
    """
    Return a profile that offers or requests a message at least once per deadline.

    A subscriber with a deadline receives nothing from a publisher without one as short.
    """
    return QoSProfile(
        depth=profile.depth,
        history=profile.history,
        reliability=profile.reliability,
        durability=profile.durability,
        deadline=Duration(seconds=seconds),
    )
