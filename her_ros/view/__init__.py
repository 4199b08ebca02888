"""What is shown while nodes run."""
