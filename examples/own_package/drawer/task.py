"""The task. It imports neither torch nor a simulator, so that the policy node can load it."""

from her_ros.tasks.goal_task import GoalTask

DRAWER = GoalTask(
    name='Drawer',
    observation_fields=(('hand_position', 3), ('drawer_opening', 1)),
    goal_size=1,
    action_size=3,
    goal_tolerance_m=0.02,
    control_period_s=0.04,
    episode_length=50,
    simulation='drawer.simulation:Drawer',
)
