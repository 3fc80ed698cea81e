"""What stands in files for what only the host knows, which puts that in its place."""

INTERFACE = "@INTERFACE@"
"""The interface that has the balancer's address."""
MAXCONN = "@MAXCONN@"
MAXCONN_ENDPOINT = "@MAXCONN_ENDPOINT@"
"""The connections that its descriptors allow: in all, and of the endpoint's clients."""
