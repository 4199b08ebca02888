"""Examples in the help of commands."""


def examples(*commands: str) -> str:
    """Return the examples at the end of a help page, one command per line."""
    # Text after this mark is not wrapped.
    return '\b\n' + '\n'.join(['Examples:', *(f'  {command}' for command in commands)])
