"""Do the implementations train alike? Each ascends its objective, from the same weights, with the same draws."""
