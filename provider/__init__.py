"""The components as a Pulumi package for other languages."""
