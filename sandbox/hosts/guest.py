"""What is inside a host: the packages and files that make a bare Debian an image that boots fast."""

import shutil
from pathlib import Path

PACKAGES = (
    "systemd", "systemd-sysv", "dbus", "cloud-init", "openssh-server", "openssl", "ca-certificates",
    "iproute2", "iputils-ping", "iputils-arping", "netcat-openbsd", "procps", "curl", "python3", "less",
)  # fmt: skip

MIRROR = Path("/var/lib/package-mirror")
"""Where hosts see the package mirror, read-only."""

SEED = Path("var/lib/cloud/seed/nocloud")
"""Where cloud-init's NoCloud data source looks for meta-data and user-data, relative to the root."""

LEFT_OUT = ("/usr/share/man/*", "/usr/share/locale/*", "/usr/share/i18n/*", "/usr/share/info/*")
"""Never unpacked, in the image or in a host: a third of its size."""

# One data source, no network to wait for, no disk to grow, no apt sources to rewrite: each module left out
# saves the time of three hosts on two processors. What user data can ask for stays.
CLOUD_INIT = """\
datasource_list: [NoCloud]
disable_root: false
ssh_pwauth: false
manage_etc_hosts: localhost
network: {config: disabled}
ssh_deletekeys: false
ssh_genkeytypes: [ed25519, ecdsa]
users: []
cloud_init_modules: [bootcmd, write-files, set_hostname, update_etc_hosts, users-groups, [ssh, always]]
cloud_config_modules: [set-passwords, timezone, runcmd]
cloud_final_modules: [package-update-upgrade-install, write-files-deferred, scripts-per-once, \
scripts-per-boot, scripts-per-instance, scripts-user, final-message, power-state-change]
"""

FILES = {
    "etc/apt/sources.list": f"deb [trusted=yes] file:{MIRROR} ./\n",
    "etc/apt/apt.conf.d/90no-translations": 'Acquire::Languages "none";\n',
    "etc/cloud/cloud.cfg.d/90-nocloud.cfg": CLOUD_INIT,
    "etc/cloud/ds-identify.cfg": "policy: enabled\n",
    "etc/hosts": "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n",
    "etc/machine-id": "",
    "etc/resolv.conf": "",
    "etc/systemd/journald.conf.d/persistent.conf": "[Journal]\nStorage=persistent\nSystemMaxUse=64M\n",
}

MASKED = (
    "apt-daily.timer", "apt-daily-upgrade.timer", "console-getty.service", "dpkg-db-backup.timer",
    "e2scrub_all.timer", "e2scrub_reap.service", "fstrim.timer", "getty@.service",
    "cloud-init-hotplugd.socket", "systemd-pstore.service",
)  # fmt: skip
"""Units that only take time here: there is no disk, no console and no archive to look after."""

_OF_THE_BUILD = (
    "etc/ssh/ssh_host_*",
    "etc/apt/apt.conf.d/99mmdebstrap",
    "etc/hostname",
    "var/cache/apt/*.bin",
)


def finish(root: Path) -> None:
    """Turn a freshly unpacked Debian into an image: no identity of its own, and the files above."""
    for pattern in _OF_THE_BUILD:
        for file in root.glob(pattern):
            file.unlink()
    shutil.rmtree(root / "var/log/journal", ignore_errors=True)
    for relative, text in FILES.items():
        file = root / relative
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
        file.write_text(text)
    for unit in MASKED:
        link = root / "etc/systemd/system" / unit
        link.unlink(missing_ok=True)
        link.symlink_to("/dev/null")
    (root / MIRROR.relative_to("/")).mkdir(parents=True)
    (root / SEED).mkdir(parents=True)
    root.chmod(0o755)
