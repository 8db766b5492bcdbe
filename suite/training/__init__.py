"""Do the implementations train alike? Each ascends its own objective, from the same weights, with the same draws."""
