"""Write new bags from old ones: recovered from damage, or merged."""
