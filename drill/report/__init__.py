"""What people look at: one HTML page, and the figures as JSON."""

from drill.report.write import write

__all__ = ["write"]
