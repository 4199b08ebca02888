"""Runs from their preparation to their end: the list of nodes, and who starts and watches them."""
