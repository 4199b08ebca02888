"""Every parameter with its default, range and description; each stands here once."""
