"""Parameters: what there is, how it is checked, and the files that give it."""
