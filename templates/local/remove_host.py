"""Undo on one host what the stack did there. A host that is gone for good, or that hangs, holds nobody up."""

import os
import sys

from templates.local.openssh import (
    Endpoint,
    HostKeyDiffers,
    LoginRefused,
    SshError,
    TimedOut,
    Unreachable,
    patiently,
)

name, command = os.environ["HAVIP_HOST"], os.environ["HAVIP_COMMAND"]
endpoint = Endpoint.parse(os.environ["HAVIP_SSH"])
attachment = (
    "Its attachment to the HaVip is adopted and stays: unless it is detached in the console, it may have the VIP "
    "beside another balancer when it comes back"
    if os.environ["HAVIP_STAYS_ATTACHED"]
    else "Its attachment to the HaVip goes, so that it cannot have the VIP"
)
later = f"{attachment}; should it come back, run there: {command}"
resource = os.environ["HAVIP_NAME"]
way_out = f"or leave the host as it is, and run this again with HAVIP_LEAVE={resource} in the environment"
if resource in os.environ.get("HAVIP_LEAVE", "").replace(",", " ").split():
    sys.stdout.write(f"{name} is left as it is. {later}\n")
    sys.exit()
try:
    done = patiently(
        endpoint,
        command,
        timeout_s=float(os.environ["HAVIP_LIMIT_S"]),
        patience_s=float(os.environ["HAVIP_PATIENCE_S"]),
    )
except (Unreachable, TimedOut) as error:
    what = (
        "hangs, nobody knows what was removed there"
        if isinstance(error, TimedOut)
        else "does not answer, nothing was removed there"
    )
    sys.stdout.write(f"{name} {what}. {later} ({error})\n")
except HostKeyDiffers as error:
    sys.stdout.write(f"{name}: another host is at its address now, nothing was removed there ({error})\n")
except LoginRefused as error:
    sys.exit(
        f"{name}: nothing was removed there: {error}; let it have the key of the last `pulumi up` again (while it is "
        f"in the program, an `up` with the new key does), {way_out}"
    )
except SshError as error:
    sys.exit(f"{name}: nothing was removed there: {error}")
else:
    sys.stdout.write(done.stdout)
    sys.stderr.write(done.stderr)
    if done.returncode:
        sys.exit(
            f"{name}: the removal ended with {done.returncode}; mend what it said and run this again, {way_out}"
        )
