"""The sandbox's data plane, tried with real packets and real hosts. Needs root and says so."""
