"""What a program asks before it registers anything: its configuration, its stack, its hosts, an interrupted ``up``."""
