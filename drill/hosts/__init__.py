"""The hosts of a stack: commands on them, clients in them, and what can be done to them."""

from drill.hosts.base import Apiserver, Host
from drill.hosts.sandbox import SandboxHost
from drill.hosts.ssh import SshHost

__all__ = ["Apiserver", "Host", "SandboxHost", "SshHost"]
