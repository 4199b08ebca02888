"""Tasks: sizes, reward, success and symmetries, and the list of all tasks."""
