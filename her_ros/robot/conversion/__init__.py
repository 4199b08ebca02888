"""Make episodes from recordings of robot topics that were made without the bridge."""
