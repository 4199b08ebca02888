"""Views in a browser: a policy that acts, recorded episodes, and nodes that run."""
