"""Episodes out of an endless stream of ``step`` rows, in bounded memory."""

from collections import OrderedDict
from collections.abc import Sequence

from her_ros.core.episode import Episode, episode_parts, is_end
from her_ros.core.rows import Rows, joined

# A recording sorted by stamps lets a clock that was set back interleave this many episodes of an
# environment; in the order of arrival there is never more than one.
_OPEN_EPISODES = 16
# Repeats are told from new episodes as far back as this.
_REMEMBERED_EPISODES = 1024
# An environment that starts anew draws a session; nobody answers the old one any more.
_OPEN_SESSIONS = 64
# Rows of an unfinished episode before repeats among them are looked for.
_MANY_ROWS = 1024


class EpisodeAssembler:
    """Takes the rows of one ``step`` topic as they come and hands out finished episodes.

    Episodes are told apart by (session, env, episode), never by time, and what counts as finished
    is what :func:`her_ros.core.episode.episode_parts` says. Rows are held of at most 16 unfinished
    episodes per environment, those heard of last, and of the 64 sessions heard last.
    """

    def __init__(self) -> None:
        self._sessions: OrderedDict[int, dict[int, _Environment]] = OrderedDict()
        self._dropped = 0

    @property
    def left_over(self) -> int:
        """Number of rows so far that belong to no finished episode."""
        environments = [env for each in self._sessions.values() for env in each.values()]
        return self._dropped + sum(env.left_over for env in environments)

    @property
    def unfinished(self) -> list[tuple[int, int, int]]:
        """Session, env and episode of what rows are held of."""
        return [
            (session, env, number)
            for session, environments in self._sessions.items()
            for env, environment in environments.items()
            for number in environment.unfinished
        ]

    def take(self, messages: Sequence[Rows]) -> list[Episode]:
        """Take in the rows of some messages.

        :param messages: structured rows per message, in the order of the recording
        :return: the episodes that they finish, ordered by (session, episode, env)
        """
        if not messages:
            return []
        found = []
        for part, is_finished in episode_parts(joined(messages)):
            env = self._environment(int(part['session'][0]), int(part['env'][0]))
            episode = env.take(int(part['episode'][0]), part, is_finished)
            if episode is not None:
                found.append(episode)
        return found

    def _environment(self, session: int, env: int) -> '_Environment':
        environments = self._sessions.setdefault(session, {})
        self._sessions.move_to_end(session)
        if len(self._sessions) > _OPEN_SESSIONS:
            _, ended = self._sessions.popitem(last=False)
            self._dropped += sum(each.left_over for each in ended.values())
        if env not in environments:
            environments[env] = _Environment()
        return environments[env]


class _Environment:
    """The episodes of one environment that were heard of last."""

    def __init__(self) -> None:
        self._unfinished: OrderedDict[int, _Unfinished] = OrderedDict()
        # Numbers, oldest first: whatever comes of these is repeated.
        self._finished: OrderedDict[int, None] = OrderedDict()
        self._dropped = 0

    @property
    def left_over(self) -> int:
        return self._dropped + sum(each.count() for each in self._unfinished.values())

    @property
    def unfinished(self) -> list[int]:
        return list(self._unfinished)

    def take(self, number: int, part: Rows, is_finished: bool) -> Episode | None:
        """Take in rows of an episode; return it if they finish it."""
        if number in self._finished:
            return None
        rows: Rows | None = part
        if number in self._unfinished or not is_finished:
            rows = self._unfinished.setdefault(number, _Unfinished()).add(part)
            self._unfinished.move_to_end(number)
            if len(self._unfinished) > _OPEN_EPISODES:
                self._dropped += self._unfinished.popitem(last=False)[1].count()
        if rows is None:
            return None
        self._unfinished.pop(number, None)
        self._finished[number] = None
        if len(self._finished) > _REMEMBERED_EPISODES:
            self._finished.popitem(last=False)
        return Episode(rows)


class _Unfinished:
    """The rows so far of one episode."""

    def __init__(self) -> None:
        self._parts: list[Rows] = []
        self._count, self._limit = 0, _MANY_ROWS
        self._has_end = False
        # Whether the parts hold the steps 0, 1, 2 … each once; nothing has to be sorted then.
        self._is_in_order = True

    def add(self, part: Rows) -> Rows | None:
        """Add rows; return those of the whole episode if it is finished now."""
        # A view would keep alive everything that was read along with it.
        self._parts.append(joined([part]))
        steps = part['step']
        self._is_in_order &= (
            int(steps[0]) == self._count and int(steps[-1]) - self._count == len(part) - 1
        )
        self._count += len(part)
        self._has_end |= bool(is_end(part).any())
        if self._count >= self._limit:
            # A sender without a partner repeats itself for hours.
            self._limit = max(_MANY_ROWS, 2 * self.count())
        if not self._has_end:
            return None
        rows = joined(self._parts)
        if self._is_in_order:
            return rows if self._count > 1 and is_end(rows[-1:])[0] else None
        ((rows, is_finished),) = episode_parts(rows)
        return rows if is_finished else None

    def count(self) -> int:
        """Return the number of rows, each of them counted once."""
        if len(self._parts) > 1:
            ((rows, _),) = episode_parts(joined(self._parts))
            self._parts, self._count = [rows], len(rows)
        return self._count
