"""Have a host that leaves hand over the VIP before the cloud takes that from it. One that is gone holds nobody up."""

import os
import sys

from templates.openssh import Endpoint, SshError, run

LIMIT_S = 30

said = ""
try:
    done = run(Endpoint.parse(os.environ["HAVIP_SSH"]), os.environ["HAVIP_COMMAND"], timeout_s=LIMIT_S)
    sys.stdout.write(done.stdout)
    if done.returncode:
        said = done.stderr.strip()
except SshError as error:
    said = str(error)
if said:
    name = os.environ["HAVIP_HOST"]
    sys.stdout.write(
        f"{name} hands over nothing; if it has the VIP, a peer takes it once {name} is gone ({said})\n"
    )
