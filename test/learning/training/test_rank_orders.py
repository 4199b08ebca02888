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

"""Several ranks as threads of this process; as processes: test/cli/test_train_ranks.py."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
import pickle
import threading

from her_ros.learning.acceleration.ranks import Ranks, RanksLost
from her_ros.learning.training import rank_orders
from her_ros.learning.training.checkpoint import load_checkpoint
from her_ros.learning.training.rank_orders import Begin, Load, RankFollower, Store, Update
from her_ros.runtime.errors import HerRosError
import pytest
import torch

FOREVER_S = 1000.0
DEADLINE_S = 20.0


class Link:
    """What the ranks of one group share."""

    def __init__(self, count):
        self.count = count
        self.barrier = threading.Barrier(count, timeout=DEADLINE_S)
        self.content = b''
        self.gradients = [None] * count


class LinkedRanks(Ranks):
    """A rank whose others are threads."""

    def __init__(self, link, rank):
        self.rank, self.count, self._link = rank, link.count, link
        self.told = []

    def broadcast(self, value):
        if self.rank == 0:
            self._link.content = pickle.dumps(value)
        with self._all_there():
            pass
        value = pickle.loads(self._link.content)
        with self._all_there():
            pass
        self.told.append(value)
        return value

    def average(self, gradients):
        own = [tensor for each in gradients.values() for tensor in each]
        self._link.gradients[self.rank] = [tensor.clone() for tensor in own]
        with self._all_there():
            for tensor, *others in zip(own, *self._link.gradients, strict=True):
                tensor.copy_(sum(others) / self.count)
        with self._all_there():
            pass

    @contextmanager
    def _all_there(self):
        try:
            self._link.barrier.wait()
        except threading.BrokenBarrierError:
            self.is_lost = True
            raise RanksLost('lost', 'start again') from None
        yield


class Group:
    """The training of rank 0, and followers in threads, which keep their learners."""

    def __init__(self, bags, parameters, count):
        self.link = Link(count)
        self.ranks = [LinkedRanks(self.link, rank) for rank in range(count)]
        self.bags, self.lines, self.learners = bags, [], {}
        self._pool = ThreadPoolExecutor(count)
        self._running = [self._pool.submit(self._follow, ranks) for ranks in self.ranks[1:]]
        self.training = bags.training(parameters, ranks=self.ranks[0])
        self.was_resumed = self.training.resume()

    def _follow(self, ranks):
        follower = RankFollower(ranks, self._open, self.lines.append)
        made = follower._learner

        def noted(begin):
            self.learners[ranks.rank] = made(begin)
            return self.learners[ranks.rank]

        follower._learner = noted
        try:
            follower.run()
        except HerRosError:
            self.link.barrier.abort()
            raise

    def _open(self, parameters):
        return self.bags.task, self.bags.read

    def end(self):
        """Release the followers; raise what ended one of them."""
        try:
            self.training.close()
        finally:
            for each in self._running:
                each.result(DEADLINE_S)

    def assert_alike(self):
        first = self.training.learner
        for learner in self.learners.values():
            for state in ('agent', 'normalizers'):
                own, other = (each.state_dict()[state] for each in (first, learner))
                for group, tensors in own.items():
                    for name, tensor in tensors.items():
                        assert torch.equal(tensor, other[group][name]), (group, name)
            assert learner.replay.episodes == first.replay.episodes


def learn(training):
    training.ingest_new_bags()
    training.update(FOREVER_S)


def collect(training, bags, *names):
    for name in names:
        bags.add(name, 20, 15)
        learn(training)


@pytest.fixture
def parameters(quick):
    return quick(updates_per_step=0.5)


@pytest.mark.parametrize('count', [2, 3])
def test_all_ranks_hold_the_same_after_every_bag_and_update(bags, parameters, count):
    group = Group(bags, parameters, count)
    collect(group.training, bags, 'b.mcap', 'a.mcap', 'c.mcap')
    assert group.training.learner.updates == 52
    group.end()
    assert len(group.learners) == count - 1
    group.assert_alike()


def test_ranks_learn_from_other_batches(bags, parameters):
    group, alone = Group(bags, parameters, 2), bags.training(parameters)
    collect(group.training, bags, 'a.mcap')
    alone.ingest_new_bags()
    alone.update(FOREVER_S)
    group.end()
    states = [each.agent.state_dict()['online']['actor'] for each in (
        group.training.learner, alone.learner
    )]  # fmt: skip
    assert not torch.equal(*states)


@pytest.mark.parametrize('counts', [(2, 3), (1, 2), (2, 1)])
def test_a_run_goes_on_with_another_number_of_ranks(bags, parameters, counts):
    before = Group(bags, parameters, counts[0])
    collect(before.training, bags, 'a.mcap', 'b.mcap')
    before.training.save()
    before.end()
    group = Group(bags, parameters, counts[1])
    assert group.was_resumed
    assert group.training.learner.updates == before.training.learner.updates == 35
    group.training._leader.update(0)  # heard once the state before it is loaded
    group.assert_alike()
    collect(group.training, bags, 'c.mcap')
    group.end()
    assert group.training.learner.updates == 52
    group.assert_alike()


def test_rank_0_is_heard_after_every_bag_of_a_resumed_run(bags, parameters):
    alone = bags.training(parameters)
    collect(alone, bags, 'a.mcap', 'b.mcap')
    alone.save()
    group = Group(bags, parameters, 2)
    group.end()
    *orders, end = group.ranks[1].told
    assert [type(each) for each in orders] == [Begin, Store, Store, Load]
    assert end is None
    group.assert_alike()


def test_the_next_update_after_a_restart_is_the_one_that_would_have_come(
    bags, parameters, assert_same
):
    states = []
    first = Group(bags, parameters, 2)
    collect(first.training, bags, 'a.mcap')
    first.training.save()
    bags.add('b.mcap', 30)
    for group in (first, Group(bags, parameters, 2)):
        learn(group.training)
        group.end()
        states.append(group.training.learner.state_dict())
    assert_same(*states)


def test_after_a_rank_is_lost_nothing_is_saved(bags, parameters, monkeypatch):
    monkeypatch.setattr(rank_orders, '_PATIENCE_S', 0.0)
    group = Group(bags, parameters, 2)
    collect(group.training, bags, 'a.mcap')
    group.training.save()
    bags.add('b.mcap', 20)
    group.training.ingest_new_bags()
    (bags.folder.bags / 'c.mcap').write_bytes((bags.folder.bags / 'a.mcap').read_bytes())
    hidden = bags.folder.bags / 'c.mcap'
    read = group.training._read

    def read_then_lose(path):
        episodes = read(path)
        hidden.unlink()
        return episodes

    group.training._read = read_then_lose
    with pytest.raises(RanksLost):
        learn(group.training)
    group.training.save()
    with pytest.raises(HerRosError, match=r'c\.mcap: .* not here; give all of them the same'):
        group.end()
    assert load_checkpoint(bags.folder.checkpoint)['log'] == [
        list(entry) for entry in group.training._log[:1]
    ]


def test_another_version_and_another_file_are_named(bags, parameters, monkeypatch):
    group = Group(bags, parameters, 2)
    monkeypatch.setattr(rank_orders, '__version__', '9')
    begin = group.ranks[0].told[0]
    follower = RankFollower(Ranks(), group._open, print)
    with pytest.raises(HerRosError, match=r'process 0 has her_ros .*, and here is 9; install'):
        follower._learner(begin)
    monkeypatch.undo()
    bags.add('a.mcap', 5)
    learner = follower._learner(begin)
    with pytest.raises(HerRosError, match='not the file that training process 0 has read'):
        follower._store(learner, begin.folder, [('a.mcap', '0' * 64)])
    group.end()


def test_where_nothing_is_to_train_a_follower_ends_at_once():
    RankFollower(Ranks(), None, print).run()


def test_rank_0_is_heard_while_there_is_nothing_to_do(bags, parameters, monkeypatch):
    group = Group(bags, parameters, 2)
    group.training.update(0.0)
    monkeypatch.setattr(rank_orders, '_SILENCE_S', 0.0)
    group.training.update(0.0)
    group.end()
    assert group.ranks[1].told[2:] == [Update(0), None]


def test_a_follower_that_has_died_meanwhile_does_not_disturb_the_end(bags, parameters):
    group = Group(bags, parameters, 2)
    group.training.update(0.0)
    group.link.barrier.abort()
    group.training.close()
    assert group.ranks[0].is_lost
    with pytest.raises(RanksLost):
        group.end()


def test_followers_compile_when_rank_0_does(bags, parameters, monkeypatch):
    compiled = []
    monkeypatch.setattr(rank_orders, 'compile_or_say_why', lambda each: f'{compiled.append(each)}')
    group = Group(bags, parameters, 2)
    group.training._compile_ahead.poll = lambda: setattr(group.training.learner, 'compiled', True)
    group.training.compile_when_due()
    group.training.compile_when_due()
    group.end()
    assert compiled == [*group.learners.values()]
    assert group.lines == ['training process 1: None']
