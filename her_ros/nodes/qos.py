"""The quality of service that both ends of a topic use; the names stand in wire/topics.py."""

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
#: ``policy``, ``evaluation/policy`` and ``collect``: who comes late gets the last one
LATCHED = _reliable(1, DurabilityPolicy.TRANSIENT_LOCAL)
#: ``episodes``
HINT = _reliable(1, DurabilityPolicy.VOLATILE)
#: ``goal``: RViz publishes volatile
COMMAND = _reliable(1, DurabilityPolicy.VOLATILE)
#: what a robot sends and is sent, as with ros2_control and MoveIt Servo: reliable publishers serve
#: subscribers of either reliability, and commands must be offered reliably to be taken
ROBOT = _reliable(10, DurabilityPolicy.VOLATILE)
#: to subscribe to what a robot measures: best effort joins drivers of either reliability
SENSOR = QoSProfile(
    depth=10,
    history=HistoryPolicy.KEEP_LAST,
    reliability=ReliabilityPolicy.BEST_EFFORT,
    durability=DurabilityPolicy.VOLATILE,
)
#: what a simulation shows of itself: a reliable publisher serves readers of either kind
SCENE = _reliable(1, DurabilityPolicy.VOLATILE)
#: ``/rosout``, as rclpy offers it: who comes late gets what was logged shortly before
LOG = _reliable(1000, DurabilityPolicy.TRANSIENT_LOCAL)
#: ``/diagnostics``
STATUS = _reliable(10, DurabilityPolicy.VOLATILE)


def with_deadline(profile: QoSProfile, seconds: float) -> QoSProfile:
    """Offer, or request, a message at least every so many seconds.

    Who requests a deadline receives nothing from who does not offer one as short.
    """
    return QoSProfile(
        depth=profile.depth,
        history=profile.history,
        reliability=profile.reliability,
        durability=profile.durability,
        deadline=Duration(seconds=seconds),
    )
