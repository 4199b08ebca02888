"""New bags out of old ones: recovered from damage, or merged."""
