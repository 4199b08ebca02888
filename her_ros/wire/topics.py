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

"""Names of the topics. ARCHITECTURE.md lists their types and quality of service."""

# relative names, in a worker's namespace
STEP = 'step'
ACTION = 'action'
GOAL = 'goal'
GOAL_POSE = 'goal_pose'
# relative names, of a robot, as MoveIt Servo and ros2_control call them
JOINT_STATES = 'joint_states'
OBJECT_POSE = 'object_pose'
CURRENT_POSE = 'current_pose'
TWIST = 'servo_node/delta_twist_cmds'
TRAJECTORY = 'joint_trajectory_controller/joint_trajectory'
TOOL_POSE = 'target_pose'
GRIPPER = 'gripper_controller/commands'
GRIPPER_ACTION = 'gripper_controller/gripper_cmd'
#: what follows the name of an action in that of the service that takes its goals
SEND_GOAL = '/_action/send_goal'
ROBOT_DESCRIPTION = 'robot_description'
# for RViz and Foxglove
GRIPPER_POSE = 'gripper_pose'
MARKERS = 'markers'
TF = '/tf'
TF_STATIC = '/tf_static'
# relative names, in the run's namespace
POLICY = 'policy'
COLLECTION_ENABLED = 'collection_enabled'
ROLLOUT_RECORDED = 'rollout_recorded'
EVALUATION_POLICY = 'evaluation/policy'
EVALUATION_STEP = 'evaluation/step'
# the name that ROS tools expect
DIAGNOSTICS = '/diagnostics'
# log messages of all nodes, sent by rclpy
ROSOUT = '/rosout'
