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

"""Hindsight of a run: rewards before and after relabelling, goals, symmetries."""

from her_ros.analysis.run_report.page import picture, Section, section, Table
from her_ros.analysis.run_report.source import RunSource
import numpy as np

_TITLE = 'Hindsight'
# From so many steps on, filling the replay buffer again takes longer than a report should.
_MOST_STEPS = 500_000
# Parameters of the trainer that say how HER picks goals and how symmetries act.
_GROUPS = ('her.', 'motion_fraction', 'priority.', 'symmetry.', 'curriculum.', 'relative_goals')


def hindsight_section(of: RunSource, thorough: bool) -> Section:
    """
    Show the effect of HER on the rewards, and the goals and symmetries that it used.

    :param thorough: whether to fill the replay buffer again; it loads torch and takes a while
    """
    return section(_TITLE, lambda: _hindsight(of, thorough))


def _hindsight(of: RunSource, thorough: bool) -> Section:
    tables = [_parameters(of)]
    shares = [float((each.reward == 0).mean()) for rollout in of.rollouts for each in rollout]
    text = [
        f'Of the recorded moves {np.mean(shares):.0%} reached the goal they pursued, and so have'
        ' reward 0 instead of −1. HER replaces goals by ones that the same episode reached.'
    ]
    command = f'her-ros plot {of.folder.path}'
    if of.progress.env_steps > _MOST_STEPS:
        reason = f'The run has more than {_MOST_STEPS:,} steps: `{command}` draws what HER did.'
        return Section(_TITLE, text, tables=tables, missing=[reason])
    if not thorough:
        command = f'her-ros report {of.folder.path}'
        reason = f'`{command}` adds the rewards before and after relabelling, and the goals.'
        return Section(_TITLE, text, tables=tables, missing=[reason])
    # Only now: they load torch.
    from her_ros.analysis.hindsight import load_run, picked_goals, reward_shares
    from her_ros.analysis.hindsight_plots import draw_goals, draw_rewards

    episodes = load_run(of.folder)
    rewards, goals = reward_shares(episodes), picked_goals(episodes)
    text.append(
        f'In batches drawn at the end of the run, {rewards.before[-1]:.0%} of the rewards are 0'
        f' with the pursued goals, and {rewards.after[-1]:.0%} with those that HER puts in.'
    )
    pictures = [
        picture(
            lambda: draw_rewards(rewards, ''),
            'Rewards of batches before and after relabelling, drawn while the buffer fills again.',
        ),
        picture(
            lambda: draw_goals(goals, ''),
            'The goals that each strategy would put in for one state of a late episode.',
        ),
    ]
    return Section(_TITLE, text, pictures, tables)


def _parameters(of: RunSource) -> Table:
    rows = [
        (f'trainer.{name}', str(value))
        for name, value in of.trainer.items()
        if name.startswith(_GROUPS)
    ]
    return Table((), rows)
