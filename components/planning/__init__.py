"""From settings to a plan: who is who, timers, and what each fault may cost. Pure; nothing here knows Pulumi."""
