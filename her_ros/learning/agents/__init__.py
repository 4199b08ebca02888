"""Agents: their networks and losses, and the update that they share."""
