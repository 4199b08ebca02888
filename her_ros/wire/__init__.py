"""Content of the topics: rows, their bytes, topic names, sessions and the policy contract."""
