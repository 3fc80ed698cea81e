"""The VPC data plane: namespaces, bridges, packet filters and EIPs."""

from sandbox.network.plane import Network

__all__ = ["Network"]
