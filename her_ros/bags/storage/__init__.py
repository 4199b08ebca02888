"""Read the storage files of bags, MCAP and SQLite, whole or damaged, within memory limits."""
