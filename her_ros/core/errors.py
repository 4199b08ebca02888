"""The root of every error that a user can cause and cure."""

_LONGEST_LINE = 500


class HerRosError(Exception):
    """One clear line for the user: what is wrong, which value, what to do.

    Commands and nodes print it without a traceback and exit with a non-zero status.
    """


def one_line(text: object) -> str:
    """Return a text as one printable line of bounded length.

    Texts from messages and files may hold line ends, control characters and lone surrogates,
    which logs and diagnostics cannot carry.
    """
    head = ' '.join(str(text)[: 2 * _LONGEST_LINE].split())
    line = ''.join(each if each.isprintable() else '\N{REPLACEMENT CHARACTER}' for each in head)
    return line if len(line) <= _LONGEST_LINE else f'{line[:_LONGEST_LINE]} …'
