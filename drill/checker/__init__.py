"""What a history says: pure functions from lines to figures, and from figures to a verdict."""

from drill.checker.judge import WORST_FIRST, Record, Verdict, judge, unmeasured

__all__ = ["WORST_FIRST", "Record", "Verdict", "judge", "unmeasured"]
