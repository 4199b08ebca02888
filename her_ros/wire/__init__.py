"""What goes over topics: rows, their bytes, topic names, sessions, the policy contract."""
