"""What is in bags, and whether it keeps the wire contract."""
