"""Documents, and the generator of those that the code can tell."""
