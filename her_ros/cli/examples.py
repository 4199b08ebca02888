"""Examples in the help of commands."""


def examples(*commands: str) -> str:
    """Return the end of a help page: commands, each on a line of its own."""
    # What follows this mark is not wrapped.
    return '\b\n' + '\n'.join(['Examples:', *(f'  {command}' for command in commands)])
