"""Safety between a policy and a robot: filter, watchdog, freshness of observations."""
