"""The VPC data plane: namespaces, bridges, packet filters and EIPs."""
