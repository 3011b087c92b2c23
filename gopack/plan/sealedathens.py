"""A sealed Athens: the settings it always has, whatever a compose file says.

Network mode offline alone still asks an upstream for what is missing, so all of these are needed.

Spec: Athens config.dev.toml and pkg/config (StorageType, NetworkMode, DownloadMode, SumDBs, Port,
PathPrefix, TLSCertFile, BasicAuthUser).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from gopack.plan.composefile import DEFAULT_ROOT, STORAGE_ROOT, STORAGE_TYPE

PORT = "ATHENS_PORT"
PATH_PREFIX = "ATHENS_PATH_PREFIX"
SEALED = {
    STORAGE_TYPE: "disk",
    "ATHENS_NETWORK_MODE": "offline",
    "ATHENS_DOWNLOAD_MODE": "none",
    "ATHENS_SUM_DBS": "",
}
NOT_TAKEN_OVER = (
    "ATHENS_TLSCERT_FILE",
    "ATHENS_TLSKEY_FILE",
    "BASIC_AUTH_USER",
    "BASIC_AUTH_PASS",
)
"""What says how clients reach Athens, not what it answers: files and keys that are not there."""

_DEFAULT_PORT = 3000


@dataclass(frozen=True, slots=True)
class SealedAthens:
    """How a sealed Athens is run: its environment, and what was changed to seal it."""

    environment: Mapping[str, str]
    notes: tuple[str, ...] = ()

    @property
    def root(self) -> str:
        """Where its storage lies."""
        return self.environment[STORAGE_ROOT]

    def url(self, host: str) -> str:
        """Tell the GOPROXY that it is, on a host of this name."""
        prefix = self.environment.get(PATH_PREFIX, "").strip("/")
        return f"http://{host}:{port_of(self.environment)}{'/' if prefix else ''}{prefix}"


def seal(settings: Mapping[str, str], *, where: str = "") -> SealedAthens:
    """Seal an Athens that has these settings; `where` says whose they are, for the notes."""
    kept = {key: value for key, value in settings.items() if key not in NOT_TAKEN_OVER}
    notes = [_note(key, settings.get(key), where) for key in SEALED] if settings else []
    root = settings.get(STORAGE_ROOT) or DEFAULT_ROOT
    return SealedAthens({**kept, STORAGE_ROOT: root, **SEALED}, tuple(filter(None, notes)))


def _note(key: str, value: str | None, where: str) -> str:
    wanted = SEALED[key]
    if value == wanted:
        return ""
    said = f"does not set {key}" if value is None else f"sets {key}={value}"
    return f"{where} {said}, and a sealed Athens has {key}={wanted}: it was tried with that"


def port_of(settings: Mapping[str, str]) -> int:
    """Read ATHENS_PORT: `:3000` or `3000`.

    >>> port_of({"ATHENS_PORT": ":8080"}), port_of({})
    (8080, 3000)
    """
    text = settings.get(PORT, "").rpartition(":")[2]
    return int(text) if text.isascii() and text.isdigit() else _DEFAULT_PORT
