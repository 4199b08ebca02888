# Copyright 2026 her_ros maintainers
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""Digest of an arm's description, by which two machines find out whether it is the same arm."""

from dataclasses import astuple, replace
from pathlib import Path

from her_ros.arms.description import ArmDescription
from her_ros.runtime.files import file_sha256, sha256


def arm_digest(description: ArmDescription) -> str:
    """
    Return the SHA-256 of a description and of the model files that it names by their paths.

    Models of installed packages are told by the versions of these packages.

    :raises HerRosError: if a model file is missing or no regular file
    """
    # Needs mujoco, which a policy alone does without.
    from her_ros.arms.model_files import model_path

    sources = (description.model.source, description.model.gripper)
    own = [each for each in sources if each and ':' not in each]
    files = [file_sha256(model_path(each, description.folder)) for each in own]
    return sha256(repr((astuple(replace(description, folder=Path())), files)).encode())
