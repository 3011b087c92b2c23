"""A sealed Athens: the settings it always has, whatever a compose file says.

Network mode offline alone still asks an upstream for what is missing, so all of these are needed.

Spec: Athens config.dev.toml and pkg/config (StorageType, NetworkMode, DownloadMode, SumDBs, Port,
PathPrefix, TLSCertFile, BasicAuthUser, FilterFile, NETRCPath, HGRCPath, ValidatorHook,
SingleFlightType, IndexType).
"""

from collections.abc import Mapping, Sequence
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
_TLS = ("ATHENS_TLSCERT_FILE", "ATHENS_TLSKEY_FILE")
NOT_TAKEN_OVER = (
    *_TLS,
    "BASIC_AUTH_USER",
    "BASIC_AUTH_PASS",
    "PROXY_FORCE_SSL",
    "ATHENS_UNIX_SOCKET",
)
"""What says how clients reach Athens, not what it answers: files and keys that are not there."""

NAMING_WHAT_IS_NOT_THERE = (
    "ATHENS_FILTER_FILE",
    "ATHENS_NETRC_PATH",
    "ATHENS_HGRC_PATH",
    "ATHENS_PROXY_VALIDATOR",
    "ATHENS_SINGLE_FLIGHT_TYPE",
    "ATHENS_INDEX_TYPE",
)
"""Files and services beside Athens, without which it does not start or answers nothing."""

_WITHIN_ATHENS = ("", "memory", "none")
"""Values of the above that need nothing beside it."""

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
        return f"http://{host}:{port_of(self.environment)}{prefix_of(self.environment)}"


def seal(
    settings: Mapping[str, str], *, where: str = "", elsewhere: Sequence[str] = ()
) -> SealedAthens:
    """Seal an Athens that has these settings.

    Args:
        settings: its environment.
        where: whose it is, for the notes; empty where nobody's.
        elsewhere: what else of it may say how it is set up.
    """
    missing = [
        key for key in NAMING_WHAT_IS_NOT_THERE if settings.get(key, "") not in _WITHIN_ATHENS
    ]
    left_out = {*missing, *NOT_TAKEN_OVER}
    kept = {key: value for key, value in settings.items() if key not in left_out}
    root = settings.get(STORAGE_ROOT) or DEFAULT_ROOT
    notes = [_note(key, settings.get(key), where) for key in SEALED]
    notes += [
        f"{where} sets {key}, which names what is not here: it was tried without" for key in missing
    ]
    if elsewhere:
        notes.append(f"{where} has {', '.join(elsewhere)}, too: it was tried without")
    return SealedAthens(
        {**kept, STORAGE_ROOT: root, **SEALED}, tuple(filter(None, notes)) if where else ()
    )


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


def prefix_of(settings: Mapping[str, str]) -> str:
    """Read ATHENS_PATH_PREFIX as a URL's path.

    >>> prefix_of({"ATHENS_PATH_PREFIX": "/go/"}), prefix_of({})
    ('/go', '')
    """
    prefix = settings.get(PATH_PREFIX, "").strip("/")
    return f"/{prefix}" if prefix else ""


def scheme_of(settings: Mapping[str, str]) -> str:
    """Tell whether Athens speaks TLS: it does with both a certificate and a key.

    >>> scheme_of({"ATHENS_TLSCERT_FILE": "/c", "ATHENS_TLSKEY_FILE": "/k"}), scheme_of({})
    ('https', 'http')
    """
    return "https" if all(map(settings.get, _TLS)) else "http"
