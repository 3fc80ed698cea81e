"""Clients: one program, put outside and on hosts; what it writes is the history that is judged."""
