"""Episodes, and assembling them from rows."""
