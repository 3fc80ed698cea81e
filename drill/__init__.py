"""The drill: faults on a running stack, what clients saw of them, and whether that is what the stack promises.

Five parts that know each other only by what they write and read: ``workload`` (clients), ``faults`` (what is done to
the hosts, always healed), ``history`` (JSON lines on disk), ``checker`` (judges history, pure), ``report``.
"""
