"""How much goes through the endpoint, and what a connection costs."""

from drill.load.bench import bench
from drill.load.hold import hold

__all__ = ["bench", "hold"]
