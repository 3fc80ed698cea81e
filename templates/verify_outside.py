"""Ask the endpoint from the machine that runs Pulumi until it answers.

Any HTTP status through TLS will do; before there is a kube-apiserver, a TCP connection.
"""

import http.client
import os
import socket
import ssl
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

url = os.environ["HAVIP_URL"]
deadline = time.monotonic() + int(os.environ["HAVIP_TIMEOUT_S"])
context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
opener = urllib.request.build_opener(
    urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
)
while os.environ["HAVIP_VERIFY"] != "off":
    try:
        if os.environ["HAVIP_VERIFY"] == "haproxy":
            target = urllib.parse.urlsplit(url)
            socket.create_connection((target.hostname or "", target.port or 443), 5).close()
        else:
            opener.open(url, timeout=5).close()
        break
    except urllib.error.HTTPError:
        break
    except (OSError, http.client.HTTPException) as error:
        if time.monotonic() >= deadline:
            sys.exit(f"{url} does not answer: {error}. Does the security group let this machine in?")
    time.sleep(1)
sys.stdout.write(f"{url} answers\n")
