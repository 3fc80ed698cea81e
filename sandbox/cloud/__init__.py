"""The emulated cloud itself: its state, its rules, and what follows from a change. Knows nothing of HTTP."""
