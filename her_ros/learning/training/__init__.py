"""Training online and offline: when to update, judge, save and stop."""
