"""Have a host that leaves hand over the VIP before the cloud takes it away. One that is dead holds nobody up."""

import os
import sys

from templates.local.openssh import Endpoint, SshError, run

LIMIT_S = 30

try:
    done = run(Endpoint.parse(os.environ["HAVIP_SSH"]), os.environ["HAVIP_COMMAND"], timeout_s=LIMIT_S)
    sys.stdout.write(done.stdout)
    failure = (done.stderr.strip() or f"it ended with {done.returncode}") if done.returncode else ""
except SshError as error:
    failure = str(error)
if failure:
    name = os.environ["HAVIP_HOST"]
    sys.stdout.write(
        f"{name}: hands over nothing; if it has the VIP, a peer takes it once {name} is gone ({failure})\n"
    )
