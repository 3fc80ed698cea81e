"""ECS instances as systemd-nspawn machines: images, the package mirror, and their life."""
