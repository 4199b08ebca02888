#!/bin/bash
# Install her_ros beside a ROS 2 of the system, without a workspace, and check it.
#
#   ./install_beside_ros.sh [FOLDER]      virtual environment to make; default: .venv-ros
#
# ROS_SETUP names the file that sets ROS up; default: /opt/ros/jazzy/setup.bash
set -eo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
folder=${1:-.venv-ros}
setup=${ROS_SETUP:-/opt/ros/jazzy/setup.bash}
if [ ! -r "$setup" ]; then
    echo "$setup: cannot be read; install ros-jazzy-ros-base, or set ROS_SETUP" >&2
    exit 1
fi
# shellcheck disable=SC1090
source "$setup"

# Debian does not let pip write into the system's own Python. ROS is found through PYTHONPATH; its Python dependencies, such
# as PyYAML, are the system's.
"${PYTHON:-python3}" -m venv --system-site-packages "$folder"

# All that is pinned, but for the wheels that bring ROS itself, and then the package alone.
pinned=$(mktemp)
trap 'rm -f "$pinned"' EXIT
grep -v '^ros-jazzy-' requirements.txt > "$pinned"
"$folder/bin/python" -m pip install -r "$pinned"
"$folder/bin/python" -m pip install --no-deps .

# The rclpy in use must be that of ROS. -P: the package that was installed, instead of the folder here.
"$folder/bin/python" -P -c '
import os, sys, her_ros
from rclpy import node
if not any(each and node.__file__.startswith(each + "/") for each in os.environ["PYTHONPATH"].split(":")):
    sys.exit(f"{node.__file__} is not the rclpy of ROS; remove it, or the virtual environment")
'
"$folder/bin/her-ros" --version
echo "source $setup && source $folder/bin/activate"
