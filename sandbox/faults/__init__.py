"""Faults that always heal: ``with injected(settings, Frozen(host=...)): ...``, and ``sandbox fault``."""
