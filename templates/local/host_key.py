"""Print the host key that a host shows, as known_hosts has it; wait for a host that still boots.

Nobody logs in there, only on the bastion if there is one, unless HAVIP_ENTER is set: then the host is also waited for
until it lets us in. Nothing is printed for a host that may be down, and is.
"""

import dataclasses
import os
import sys
import time

from templates.local.openssh import (
    Endpoint,
    HostKeyDiffers,
    LoginRefused,
    SshError,
    TimedOut,
    Unreachable,
    learn_host_key,
    run,
)

# The order in which golang.org/x/crypto/ssh asks, and so every Pulumi plugin: the key it will see is the one to know.
ALGORITHMS = "ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,rsa-sha2-256,rsa-sha2-512,ssh-rsa,ssh-ed25519"

PAUSE_S = 2
LONGEST_PAUSE_S = 20


def enter(target: Endpoint) -> None:
    """Log in. Raises `Unreachable` where the host has another key by now: at a first boot cloud-init makes new ones."""
    try:
        run(target, "true")
    except HostKeyDiffers as error:
        raise Unreachable(str(error)) from error


endpoint = Endpoint.parse(os.environ["HAVIP_SSH"])
deadline = time.monotonic() + float(os.environ["HAVIP_PATIENCE_S"])
waiting_for = ""
pause_s = PAUSE_S
while True:
    try:
        learned = learn_host_key(endpoint, ALGORITHMS)
        if os.environ.get("HAVIP_ENTER"):
            enter(dataclasses.replace(endpoint, host_key=learned))
        sys.stdout.write(learned + "\n")
        break
    except (Unreachable, LoginRefused, TimedOut) as error:  # what boots may not know our key yet
        if time.monotonic() >= deadline:
            sys.stderr.write(f"{error}\n")
            sys.exit(0 if os.environ.get("HAVIP_MAY_BE_DOWN") else 1)
        if str(error) != waiting_for:
            waiting_for, pause_s = str(error), PAUSE_S
            sys.stderr.write(f"waiting: {error}\n")
        elif isinstance(error, LoginRefused):  # a host may count those, and shut everybody out
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
    except SshError as error:
        sys.exit(str(error))
    time.sleep(pause_s)
