"""Agents: their networks and losses, and the update that all of them share."""
