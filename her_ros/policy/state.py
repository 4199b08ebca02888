"""States that say whether the actions of a policy are sent."""

from enum import StrEnum


class State(StrEnum):
    """Whether actions are sent."""

    #: not activated
    INACTIVE = 'inactive'
    ACTING = 'acting'
    #: until a fresh observation comes
    STOPPED = 'stopped'
    #: until the next activation
    LATCHED = 'latched'
