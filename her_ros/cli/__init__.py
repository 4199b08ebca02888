"""Commands, parameter files, the one list of nodes, and the supervisor that runs them."""
