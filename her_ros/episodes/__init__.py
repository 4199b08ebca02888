"""Episodes, and their assembly from rows."""
