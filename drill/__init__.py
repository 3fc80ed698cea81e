"""The drill: faults on a running stack, what clients saw of them, and whether that is what the stack promises.

A ``runner`` injects ``faults`` into the hosts of a ``stack``, always healed, while clients (``workload``) write what
they see as ``history``: JSON lines on disk. ``checker`` (pure) and ``report`` know the rest only by them.
"""
