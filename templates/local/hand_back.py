"""Start what was held back on hosts that have their own files again, everywhere at once, if nobody else has the VIP.

First all listen: as soon as one runs, the others would hear it.
"""

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor

from templates.local.openssh import Endpoint, Result, SshError, run

LIMIT_S = 120

hosts = json.loads(os.environ["HAVIP_HOSTS"])
resource = os.environ["HAVIP_NAME"]
if resource in os.environ.get("HAVIP_LEAVE", "").replace(",", " ").split():
    sys.stdout.write(
        "keepalived is left stopped. To start it, on each host: systemctl enable --now keepalived\n"
    )
    sys.exit()


def ask(name: str, what: str) -> Result | SshError:
    """Run one of a host's commands there."""
    try:
        return run(Endpoint.parse(hosts[name]["ssh"]), hosts[name][what], timeout_s=LIMIT_S)
    except SshError as error:
        return error


def everywhere(names: list[str], what: str) -> dict[str, Result]:
    """Run it on all hosts at once; those that do not answer were named, and given up, by their own removal."""
    with ThreadPoolExecutor() as pool:
        answers = dict(zip(names, pool.map(lambda name: ask(name, what), names), strict=True))
    found = {name: answer for name, answer in answers.items() if isinstance(answer, Result)}
    for name, answer in answers.items():
        if isinstance(answer, SshError):
            sys.stdout.write(f"{name}: nothing was started there ({answer})\n")
    for name, answer in found.items():
        sys.stdout.write("".join(f"{name}: {line}\n" for line in answer.stdout.splitlines()))
        sys.stderr.write("".join(f"{name}: {line}\n" for line in answer.stderr.splitlines()))
    failed = [name for name, answer in found.items() if answer.returncode]
    if failed:
        sys.exit(
            f"{', '.join(failed)}: keepalived was not started; mend what it said and run this again, or leave it "
            f"stopped, and run this again with HAVIP_LEAVE={resource} in the environment"
        )
    return found


heard = everywhere(list(hosts), "heard")
# A shell that greets is no answer.
if any("VRRP is heard for" in answer.stdout for answer in heard.values()):
    sys.stdout.write(
        "somebody still has the VIP: keepalived is left stopped, so that there are never two. Once nobody has it, "
        "on each host: systemctl enable --now keepalived\n"
    )
else:
    everywhere(list(heard), "start")
