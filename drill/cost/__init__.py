"""What the program itself costs: seconds and memory of the engine, the plugins and our code, on a stack that is up.

Control planes stand on a sandbox of their own that is without hosts, so that dozens fit onto a small machine; their
logins all lead to one sshd that accepts everything.
"""
