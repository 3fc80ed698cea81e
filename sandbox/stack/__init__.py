"""The program of this checkout, run on the sandbox by the real engine: `make up`, `down`, `shell`, `outputs`."""
