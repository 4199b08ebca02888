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

"""Colours of what pages draw, also of their curves and legends."""

#: red, green, blue, 0 to 255
Color = tuple[int, int, int]

GREEN: Color = (26, 150, 65)
RED: Color = (208, 48, 44)
ORANGE: Color = (230, 110, 20)
BLUE: Color = (28, 109, 208)
PURPLE: Color = (140, 70, 190)
GREY: Color = (120, 126, 134)
