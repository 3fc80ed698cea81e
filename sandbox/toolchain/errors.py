"""The one error this package raises, and the words for what usually goes wrong in a build."""

from sandbox.errors import SandboxError

_NETWORK_WORDS = (
    "dial tcp",
    "no such host",
    "i/o timeout",
    "connection refused",
    "TLS handshake",
    "proxyconnect",
)
_TAIL_LINES = 15


class ToolchainError(SandboxError):
    """The toolchain cannot be made ready; the text says what was found, what is needed and what to do."""


def build_failure(name: str, output: str, module_proxy: str) -> ToolchainError:
    """Explain a failed ``go build`` from its own words."""
    tail = "\n".join(output.strip().splitlines()[-_TAIL_LINES:])
    return ToolchainError(f"building {name} failed; {_remedy(output, module_proxy)}\n{tail}")


def _remedy(output: str, module_proxy: str) -> str:
    if "no space left on device" in output:
        return "the disk is full: the toolchain needs about 8 GB, most of it for Go's build and module caches"
    if any(words in output for words in _NETWORK_WORDS):
        return (
            f"Go modules could not be downloaded (GOPROXY={module_proxy}): give this machine a way to a "
            "module proxy (HTTPS_PROXY, GOPROXY), or install Pulumi with the alicloud and command plugins"
        )
    if "missing go.sum entry" in output or "updates to go.mod needed" in output:
        return "go.mod and go.sum do not agree: run `go mod tidy` in its directory and commit both"
    return "the go command said:"
