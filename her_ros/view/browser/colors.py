"""Colours of what pages draw, also of their curves and legends."""

#: red, green, blue, 0 to 255
Color = tuple[int, int, int]

GREEN: Color = (26, 150, 65)
RED: Color = (208, 48, 44)
ORANGE: Color = (230, 110, 20)
BLUE: Color = (28, 109, 208)
PURPLE: Color = (140, 70, 190)
GREY: Color = (120, 126, 134)
