"""The environments of this package for other libraries, each in a module of its own."""
