"""Undo on one host what the stack did there. A host that is gone for good holds nobody up."""

import os
import sys

from templates.openssh import Endpoint, HostKeyDiffers, LoginRefused, SshError, Unreachable, patiently

REMOVAL_LIMIT_S = 300

name, command = os.environ["HAVIP_HOST"], os.environ["HAVIP_COMMAND"]
endpoint = Endpoint.parse(os.environ["HAVIP_SSH"])
try:
    done = patiently(
        endpoint, command, timeout_s=REMOVAL_LIMIT_S, patience_s=float(os.environ["HAVIP_PATIENCE_S"])
    )
except Unreachable as error:
    sys.stdout.write(
        f"{name} does not answer, nothing was removed there. Its attachment to the HaVip goes, so that it cannot have "
        f"the VIP; should it come back, run there: {command} ({error})\n"
    )
except HostKeyDiffers as error:
    sys.stdout.write(f"{name}: another host is at its address now, nothing was removed there ({error})\n")
except LoginRefused as error:
    sys.exit(
        f"{name}: nothing was removed there: {error}; if there is another key now, run `pulumi up` with it first"
    )
except SshError as error:
    sys.exit(f"{name}: nothing was removed there: {error}")
else:
    sys.stdout.write(done.stdout)
    sys.stderr.write(done.stderr)
    if done.returncode:
        sys.exit(f"{name}: the removal ended with {done.returncode}; mend what it said and run this again")
