"""Does the endpoint answer from the machine that runs Pulumi? Any HTTP status through TLS will do."""

import http.client
import os
import ssl
import sys
import time
import urllib.error
import urllib.request

url = os.environ["HAVIP_URL"]
deadline = time.monotonic() + int(os.environ["HAVIP_TIMEOUT_S"])
context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
opener = urllib.request.build_opener(
    urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
)
while True:
    try:
        with opener.open(url, timeout=5):
            pass
        break
    except urllib.error.HTTPError:
        break
    except (OSError, http.client.HTTPException) as error:
        if time.monotonic() >= deadline:
            sys.exit(f"{url} does not answer: {error}. Does the security group let this machine in?")
    time.sleep(1)
sys.stdout.write(f"{url} answers\n")
