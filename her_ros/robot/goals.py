"""Which goals a policy was trained for."""

import numpy as np

from her_ros.core.task import GoalTask
from her_ros.robot.errors import RobotError
from her_ros.robot.frames import Floats
from her_ros.sim.model import load_model

#: what a goal may lie outside of the region that training draws from, metres
_MARGIN_M = 0.05


class GoalRegion:
    """The box that training draws goals from, and where in it a goal is that a user points at."""

    def __init__(self, task: GoalTask) -> None:
        model = load_model(task)
        setup = model.setup
        centre = model.grip_position_m + np.array(setup.goal_shift_m)
        self.least = centre - setup.goal_range_m
        self.greatest = centre + setup.goal_range_m
        self._has_object = model.object is not None
        if self._has_object:
            self.least[2] = model.object_height_m
            self.greatest[2] = model.object_height_m + setup.goal_height_m

    def goal(self, point: Floats) -> Floats:
        """Return the goal for a point.

        Whoever points at a table points at its surface, or below; the goal of an object is where
        its middle shall be, and lies as high as objects on the table do.

        :param point: metres, world frame, shape (3,)
        :raises RobotError: if the policy was trained for nothing near it
        """
        goal = np.array(point, np.float64)
        if self._has_object:
            on_table = self.least[2] == self.greatest[2]
            goal[2] = self.least[2] if on_table else max(goal[2], self.least[2])
        if (goal < self.least - _MARGIN_M).any() or (goal > self.greatest + _MARGIN_M).any():
            raise RobotError(
                f'goal {goal.round(3).tolist()} lies outside of what the policy was trained for:'
                f' {self.least.round(3).tolist()} to {self.greatest.round(3).tolist()}, metres,'
                ' world frame'
            )
        return goal
