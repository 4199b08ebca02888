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

"""Publish the scene of a simulation for RViz and Foxglove, and the measurements of a robot."""

from array import array

from builtin_interfaces.msg import Time
from geometry_msgs.msg import Point, PoseStamped, TransformStamped, Vector3
from her_ros.nodes.messages import pose_message, time_message, WORLD_FRAME
from her_ros.nodes.qos import LATCHED, SCENE
from her_ros.runtime.pace import Throttle
from her_ros.sim.arm_scene import ArmSceneView
from her_ros.sim.observations import Floats
from her_ros.sim.scene import goal_sphere, Scene, Shape
from her_ros.tasks.goal_task import GoalTask
from her_ros.wire.topics import GRIPPER_POSE, JOINT_STATES, MARKERS, OBJECT_POSE, TF_STATIC
from rclpy.node import Node
from sensor_msgs.msg import JointState
from std_msgs.msg import ColorRGBA
from visualization_msgs.msg import Marker, MarkerArray

# The control rate of a robot in real time.
_PERIOD_S = 0.04
_KINDS = {
    'box': Marker.CUBE,
    'cylinder': Marker.CYLINDER,
    'sphere': Marker.SPHERE,
    'line': Marker.LINE_STRIP,
}


class ScenePublisher:
    """
    Publishes a scene in the world frame, at most 25 times a second.

    :param node: the node whose topics these are
    :param measured: publish ``joint_states`` and ``object_pose`` as well as ``gripper_pose`` and
        ``markers``; a robot publishes its measurements itself
    :raises ArmError: if the task has no simulation
    """

    def __init__(self, node: Node, task: GoalTask, measured: bool = True) -> None:
        self._scene = ArmSceneView(task) if task.arm else Scene(task)
        self._throttle = Throttle(_PERIOD_S)
        self._gripper = node.create_publisher(PoseStamped, GRIPPER_POSE, SCENE)
        self._markers = node.create_publisher(MarkerArray, MARKERS, SCENE)
        self._joints = self._object = None
        if measured:
            self._joints = node.create_publisher(JointState, JOINT_STATES, SCENE)
        if measured and self._scene.has_object:
            self._object = node.create_publisher(PoseStamped, OBJECT_POSE, SCENE)
        self._publish_base(node)

    def publish(self, qpos: Floats, goal: Floats | None, stamp_ns: int) -> None:
        """
        Publish the scene, at most once per period.

        :param qpos: joint positions of the task's whole model, shape (nq,)
        :param goal: desired goal, metres, world frame, shape (3,); None: no goal is shown
        :param stamp_ns: time of this state, nanoseconds since 1970
        """
        if not self._throttle.allows():
            return
        view, stamp = self._scene.look(qpos, goal), time_message(stamp_ns)
        self._gripper.publish(pose_message(*view.gripper, stamp))
        markers = [_marker('scene', *each, stamp) for each in enumerate(view.shapes)]
        self._markers.publish(MarkerArray(markers=markers))
        if self._object is not None and view.object is not None:
            self._object.publish(pose_message(*view.object, stamp))
        if self._joints is not None:
            # Anything but an array.array of the right type is checked value by value by rclpy.
            joints = JointState(
                name=self._scene.joint_names, position=array('d', view.joint_positions)
            )
            joints.header.stamp = stamp
            self._joints.publish(joints)

    def _publish_base(self, node: Node) -> None:
        """Publish the transform of the robot's base, if tf2's messages are installed."""
        try:
            from tf2_msgs.msg import TFMessage
        except ImportError:  # the wheels of rclpy come without it
            return
        pose = pose_message(*self._scene.base, node.get_clock().now().to_msg())
        base = TransformStamped(header=pose.header, child_frame_id=self._scene.base_frame)
        position, base.transform.rotation = pose.pose.position, pose.pose.orientation
        base.transform.translation = Vector3(x=position.x, y=position.y, z=position.z)
        self._base = node.create_publisher(TFMessage, TF_STATIC, LATCHED)
        self._base.publish(TFMessage(transforms=[base]))


def goal_marker(task: GoalTask, goal: Floats, stamp_ns: int) -> MarkerArray:
    """Publish the marker of a goal, metres, world frame, shape (3,)."""
    return MarkerArray(
        markers=[_marker('goal', 0, goal_sphere(task, goal), time_message(stamp_ns))]
    )


def _marker(namespace: str, number: int, shape: Shape, stamp: Time) -> Marker:
    marker = Marker(ns=namespace, id=number, type=_KINDS[shape.kind], action=Marker.ADD)
    marker.header.frame_id, marker.header.stamp = WORLD_FRAME, stamp
    marker.pose = pose_message(*shape.pose, stamp).pose
    marker.scale.x, marker.scale.y, marker.scale.z = shape.size.tolist()
    marker.color = ColorRGBA(**dict(zip('rgba', shape.color, strict=True)))
    marker.points = [Point(x=x, y=y, z=z) for x, y, z in shape.points.tolist()]
    return marker
