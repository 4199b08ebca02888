"""What the bridge does between topics and policy: episodes, observations, commands, goals."""
