"""The root of every error that a user can cause and cure."""


class HerRosError(Exception):
    """One clear line for the user: what is wrong, which value, what to do.

    Commands and nodes print it without a traceback and exit with a non-zero status.
    """
