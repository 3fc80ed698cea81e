"""What a history says: pure functions from lines to figures, and from figures to a verdict."""

from drill.checker.judge import Record, Verdict, judge

__all__ = ["Record", "Verdict", "judge"]
