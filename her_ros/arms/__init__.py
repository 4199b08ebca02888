"""The Fetch arm as MuJoCo has it: scenes, the compiled model, the state that it settles to."""
