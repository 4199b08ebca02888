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

"""Checkpoints that are whole files, but hold other things than this version expects."""

import copy
import os

from her_ros.learning.training.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from her_ros.learning.training.checkpoint_form import check_form, load_log
from her_ros.learning.training.offline import bags_in_order, OfflineError, OfflineTraining
import pytest
import torch

MISSING = object()
LOG = [['a.mcap', '1']]


def paths_of(state, prefix=()):
    """List where the parts of a state are, dictionaries and lists included."""
    items = ()
    if isinstance(state, dict | list):
        items = state.items() if isinstance(state, dict) else enumerate(state)
    return [prefix, *(path for key, each in items for path in paths_of(each, (*prefix, key)))]


def changed(state, path, value):
    """Copy a state; put another value in one place, or take it away."""
    state = copy.deepcopy(state)
    part = state
    for key in path[:-1]:
        part = part[key]
    if value is MISSING:
        del part[path[-1]]
    else:
        part[path[-1]] = value
    return state


def wrong_states(state):
    """Change each part of a state in every way that matters."""
    for path in paths_of(state)[1:]:
        found = state
        for key in path:
            found = found[key]
        others = [float('nan') if isinstance(found, float) else -1, {}]
        others += [None] if path != ('judged',) else []
        # A text may be any, and so may the length of a list.
        others += [each for each in ('text', []) if not isinstance(found, type(each))]
        if isinstance(found, torch.Tensor):
            others += [found[..., None], found.to(torch.int64)]
            # A tensor of one value would be copied into all places without a word.
            others += [torch.zeros(1, dtype=found.dtype)] if path[0] == 'learner' else []
        yield from ((path, changed(state, path, each)) for each in others)
        if isinstance(path[-1], str):
            yield path, changed(state, path, MISSING)
        if isinstance(found, dict):
            yield path, changed(state, (*path, 'a key\nof a later version'), 1)


@pytest.fixture
def online(bags, quick):
    """Return an online run with a bag, an evaluation and a policy that is being evaluated."""
    parameters = quick(priority_kind='td_error', actor_ema=0.5)
    training = bags.training(parameters)
    for name in 'ab':
        bags.add(f'{name}.mcap', 40)
        training.ingest_new_bags()
        training.update(100.0)
        assert training.begin_evaluation()
        if name == 'a':
            bags.judge(training, 0.5)
            assert training.end_evaluation()
    return training, lambda: bags.training(parameters).resume()


class Listed:
    """Episodes in memory."""

    def __init__(self, episodes):
        self.episodes = episodes

    def in_order(self):
        return iter(self.episodes)


@pytest.fixture
def offline(bags, quick, toy, make_episode):
    """Return an offline training with an evaluation."""
    episodes = [make_episode(toy, 20, number) for number in range(4)]

    def new():
        parameters = quick(compile_after=0)
        source, log = Listed(episodes), [tuple(entry) for entry in LOG]
        return OfflineTraining(
            toy, parameters, bags.folder, source, log, 20, evaluate=lambda content: episodes
        )

    training = new()
    training.begin()
    while training.remaining:
        training.update()
    training.save()
    return training, lambda: new().begin()


@pytest.mark.parametrize('kind', ['online', 'offline'])
def test_whatever_a_checkpoint_lacks_or_holds_besides_is_one_line(
    request, kind, bags, monkeypatch
):
    monkeypatch.setattr(os, 'fsync', lambda descriptor: None)  # which takes most of the time
    _, resume = request.getfixturevalue(kind)
    path = bags.folder.checkpoint
    state = load_checkpoint(path)
    assert resume()
    tried = 0
    for where, wrong in wrong_states(state):
        save_checkpoint(path, wrong)
        print('changed:', where)  # shown if nothing is raised
        with pytest.raises((CheckpointError, OfflineError)) as refusal:
            resume()
        assert str(refusal.value).startswith(f'{path}: '), where
        assert len(str(refusal.value).splitlines()) == 1, where
        tried += 1
    assert tried > 100


def test_what_is_wrong_is_named_with_what_is_expected(online, bags):
    _, resume = online
    path, state = bags.folder.checkpoint, load_checkpoint(bags.folder.checkpoint)
    actor = ('learner', 'agent', 'online', 'actor')
    weights = state['learner']['agent']['online']['actor']
    save_checkpoint(path, changed(state, actor, weights[:-1]))
    shape, expected = len(weights) - 1, len(weights)
    with pytest.raises(CheckpointError) as refusal:
        resume()
    assert str(refusal.value) == (
        f'{path}: written by another version or program, or with other parameters'
        f' (learner/agent/online/actor is torch.float32 of shape ({shape},) instead of'
        f' torch.float32 of shape ({expected},)); move it away to learn anew from the bags'
        ' beside it'
    )


def test_a_checkpoint_of_an_online_run_is_named_as_such_offline(offline, bags, quick):
    _, resume = offline
    bags.training(quick()).save()
    with pytest.raises(OfflineError, match='is of an online run'):
        resume()


@pytest.mark.parametrize('log', [MISSING, None, 'text', [['name']], [[1, 'digest']], [{}]])
def test_a_log_that_is_none_is_refused_by_all_who_read_it(bags, log):
    state = {'log': log, 'other': 1}
    save_checkpoint(bags.folder.checkpoint, state if log is not MISSING else {'other': 1})
    for read in (lambda: load_log(bags.folder.checkpoint), lambda: bags_in_order(bags.folder)):
        with pytest.raises(CheckpointError, match=f'^{bags.folder.checkpoint}: written by'):
            read()


def test_a_state_of_the_right_form_passes(tmp_path):
    form = {'list': [int], 'pair': (str, float), 'bytes': bytes, 'none': type(None)}
    state = {'list': [], 'pair': ['', 1], 'bytes': torch.zeros(3).byte(), 'none': None}
    check_form(tmp_path, state, form)
    check_form(tmp_path, {**state, 'list': [0, 7]}, form)
    with pytest.raises(CheckpointError, match='list/1 is True instead of int'):
        check_form(tmp_path, {**state, 'list': [0, True]}, form)
