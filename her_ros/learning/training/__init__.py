"""Online and offline training: when to update, evaluate, save and stop."""
