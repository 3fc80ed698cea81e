"""Commands beside `pulumi`, for a stack that is up: `python -m components files`, `python -m components verify`."""
