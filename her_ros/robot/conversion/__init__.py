"""Episodes from recordings of the topics of a robot, which no bridge was part of."""
