"""Pictures of a simulation, drawn without a display or in a window."""
