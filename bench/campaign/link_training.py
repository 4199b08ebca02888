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

"""Cut the link between the machines of a training run; see ``campaign/links.py``."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
import sys
import time

from campaign.account import Account
from campaign.figures import Figure
from campaign.links import HEARD_LIMIT_S, Link
from campaign.processes import Child, Observer, print_failed, running_nodes
from campaign.reports import Reports
from her_ros.bags.reader import read_bag_metadata
from her_ros.orchestration.graph import training_nodes, worker_nodes
from her_ros.runtime.run_folder import RunFolder

_TASK = 'FetchReach'
# The trainer says every second whether it wants rollouts; then one comes, perhaps after an
# evaluation that is under way.
_BAGS_LIMIT_S = HEARD_LIMIT_S + 10.0
# The environment and the recorder of this worker are beside the trainer, its policy is not.
_SPLIT_WORKER = '/run/worker_1'
_FAR_WORKER = '/run/worker_2'
# The cuts may last longer than FetchReach's run, which ends after 20,000 environment steps.
_ENDLESS = ('trainer.stop.evaluations=1000', 'trainer.stop.env_steps=10000000')
# What an environment logs when it hears the trainer again, after 5 s of silence or more.
_HEARD_AGAIN = 'the trainer is back on'
_POLL_S = 0.05
_PATIENCE_S = 60.0


def measure_training(
    cuts_s: Sequence[float], folder: Path, domain: int, link: Link
) -> list[Figure]:
    """Cut a worker, and the policy node of another worker, off the trainer."""
    run = RunFolder(folder / 'run')
    run.create()
    specs = training_nodes('run', 2, str(run.path))
    far = [spec for spec in specs if spec.full_name == f'{_SPLIT_WORKER}/policy']
    near = [spec for spec in specs if spec not in far]
    far += worker_nodes('/run', 2, str(run.path), explore=True)
    with (
        running_nodes(near, _TASK, _ENDLESS, folder / 'near', domain) as own,
        running_nodes(far, _TASK, (), folder / 'far', domain, prefix=link.far_prefix) as others,
    ):
        observer = Observer(domain)
        reports = Reports(observer)
        try:
            far_env = next(each for each in others if each.name == f'{_FAR_WORKER}/sim_env')
            cut = partial(_cut_training, run, observer, reports, far_env)
            results = [cut(each, link) for each in cuts_s]
        finally:
            observer.close()
            failures = print_failed('links', [*own, *others])
    account = Account.of(run, _TASK, {})
    for problem in account.problems:
        print(f'links: {problem}', file=sys.stderr)
    times_s = {key: max(each[key] for each in results) for key in results[0]}
    return [
        Figure('links_training_cuts', len(cuts_s)),
        Figure('links_trainer_heard_after_s', times_s['trainer'], HEARD_LIMIT_S),
        Figure('links_bags_again_after_s', times_s['bag'], _BAGS_LIMIT_S),
        Figure('links_newer_policy_after_s', times_s['newer policy'], _BAGS_LIMIT_S),
        Figure('links_split_worker_bags_again_after_s', times_s['split bag'], _BAGS_LIMIT_S),
        Figure('links_bags_lost', account.lost, 0),
        Figure('links_episodes_recorded_twice', account.recorded_twice, 0),
        Figure('links_episodes_miscounted', account.miscounted, 0),
        Figure('links_training_nodes_failed', failures, 0),
    ]


def _cut_training(
    run: RunFolder,
    observer: Observer,
    reports: Reports,
    far_env: Child,
    cut_s: float,
    link: Link,
) -> dict[str, float]:
    """
    Cut the link; measure how long each thing takes to come again once the link is back.

    :param far_env: environment of the worker that is cut off
    :param cut_s: long enough that it misses the trainer
    :return: seconds after the return of the link; what has not come counts as ``_PATIENCE_S``
    """

    def times_heard() -> int:
        return far_env.log.read_text().count(_HEARD_AGAIN)

    for worker in (1, 2):
        observer.until(lambda w=worker: _newest(run, w)[1] > 0, f'bags of worker {worker}')
    observer.until(lambda: '/run/trainer' in reports.values, 'diagnostics of the trainer')
    link.set('down')
    observer.spin(cut_s)
    (split_bags, _), (bags, version) = _newest(run, 1), _newest(run, 2)
    owed = reports.values['/run/trainer']['updates_owed']
    heard = times_heard()
    up_at = link.set('up')
    conditions: dict[str, Callable[[], bool]] = {
        'trainer': lambda: times_heard() > heard,
        'bag': lambda: _newest(run, 2)[0] > bags,
        'newer policy': lambda: _newest(run, 2)[1] > version,
        'split bag': lambda: _newest(run, 1)[0] > split_bags,
    }
    times_s = dict.fromkeys(conditions, _PATIENCE_S)
    waited_for = set(conditions)
    while waited_for and time.monotonic() < up_at + _PATIENCE_S:
        observer.spin(_POLL_S)
        for key in [each for each in waited_for if conditions[each]()]:
            times_s[key] = round(time.monotonic() - up_at, 2)
            waited_for.remove(key)
    print(
        f'links: cut of {cut_s:g} s, the trainer owed {owed} updates; seconds after the link: '
        + ', '.join(f'{key} {seconds:.2f}' for key, seconds in times_s.items())
        + (f'; NOT SEEN: {", ".join(sorted(waited_for))}' if waited_for else ''),
        file=sys.stderr,
    )
    return times_s


def _newest(run: RunFolder, worker: int) -> tuple[int, int]:
    """Return how many bags a worker has made, and the policy version of the last."""
    names = sorted(path.name for path in run.bags.glob(f'*_w{worker:03}_*.mcap'))
    if not names:
        return 0, 0
    return len(names), int(read_bag_metadata(run.bags / names[-1])['policy_version'].split()[-1])
