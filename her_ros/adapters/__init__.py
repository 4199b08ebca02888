"""Adapters that offer our environments to other libraries, one module each."""
