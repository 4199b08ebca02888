"""Simulation of the goal tasks on any described arm."""
