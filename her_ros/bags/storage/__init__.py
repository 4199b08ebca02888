"""Files of bags and the messages in them: MCAP and SQLite, whole or damaged, within limits."""
