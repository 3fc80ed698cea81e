"""What a shell needs so that plain ``pulumi`` works against a sandbox."""

import os
import shlex
import socket
from collections.abc import Mapping

from sandbox.control import Status
from sandbox.settings import Settings
from sandbox.stack.ssh_key import ensure_key

PASSPHRASE = "sandbox"  # noqa: S105 - the sandbox's state holds no secret worth one; Pulumi.dev.yaml's salt fits it


def stack_environment(
    settings: Settings, status: Status, toolchain: Mapping[str, str], stack: str
) -> dict[str, str]:
    """Every variable `make shell` exports: toolchain, backend, credentials, CA and SSH key."""
    backend = settings.directory / "state"
    backend.mkdir(parents=True, exist_ok=True)
    no_proxy = ",".join(not_proxied(os.environ, settings))
    return {
        **toolchain,
        "PULUMI_BACKEND_URL": f"file://{backend}",
        "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
        "PULUMI_STACK": stack,
        # Under both names the provider knows: which goes first, differs between its versions.
        "ALICLOUD_ACCESS_KEY": status.access_key_id,
        "ALICLOUD_SECRET_KEY": status.access_key_secret,
        "ALIBABA_CLOUD_ACCESS_KEY_ID": status.access_key_id,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": status.access_key_secret,
        # The provider trusts the sandbox's CA beside the system's.
        "SSL_CERT_FILE": str(status.ca_bundle),
        # Under both names: curl, for one, reads the lower one first.
        "NO_PROXY": no_proxy,
        "no_proxy": no_proxy,
        "SANDBOX_SSH_KEY": str(ensure_key(settings.directory / "ssh")),
        **_without_dead_agent(os.environ),
    }


def _without_dead_agent(environment: Mapping[str, str]) -> dict[str, str]:
    """Unset an SSH agent that has ended: the plugin would not log in without it, though there is a key."""
    path = environment.get("SSH_AUTH_SOCK")
    try:
        with socket.socket(socket.AF_UNIX) as agent:
            if path:
                agent.connect(path)
    except OSError:
        return {"SSH_AUTH_SOCK": ""}
    return {}


def not_proxied(environment: Mapping[str, str], settings: Settings) -> list[str]:
    """What no proxy is asked for: what the person said under either name, the sandbox's API and its EIPs."""
    said = [
        word.strip() for name in ("NO_PROXY", "no_proxy") for word in environment.get(name, "").split(",")
    ]
    # The provider's two HTTP clients compare differently: one HOST:PORT and one HOST.
    own = ["127.0.0.1", settings.endpoint, str(settings.eip_range)]
    return list(dict.fromkeys([*filter(None, said), *own]))


def as_exports(environment: Mapping[str, str]) -> str:
    """The environment as lines a shell can source."""
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in environment.items())
