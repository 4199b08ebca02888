"""What every process stands on: files, processes, run folders, seeds, time."""
