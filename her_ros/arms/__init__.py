"""Descriptions, models and kinematics of arms; the MuJoCo model of the Fetch."""
