"""A robot that is simulated, to try everything on: how it follows, and what is wrong with it."""
