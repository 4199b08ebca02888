"""One file per node. Nodes translate between messages and arrays; they do not decide."""
