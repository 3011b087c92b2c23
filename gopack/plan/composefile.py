"""Finding Athens' service, and the volume of its storage, in a compose file that YAML has parsed.

Spec: compose-spec (05-services volumes and env_file, 07-volumes name, 12-interpolation,
04-version-and-name).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gopack.errors import InputError

STORAGE_ROOT = "ATHENS_DISK_STORAGE_ROOT"
STORAGE_TYPE = "ATHENS_STORAGE_TYPE"
DEFAULT_ROOT = "/path/on/disk"
"""Where Athens' disk storage lies if nothing is set. Source: Athens config.dev.toml, RootPath."""

_VARIABLE = re.compile(
    r"\$(?:(?P<escaped>\$)|(?P<plain>\w+)|\{(?P<name>\w+)(?:(?P<how>:?[-?+])|(?=\})))"
)
"""A variable's beginning: what stands for it, and variables in that, go on to the brace's end."""

_ENV_LINE = re.compile(
    r"(?:export\s+)?(?P<name>[^\s=#'\"]+)\s*"
    r"(?:(?P<is_set>=)\s*(?:'(?P<single>[^']*)'|\"(?P<double>[^\"]*)\"|(?P<bare>.*?))\s*)?"
    r"(?:(?<=[\s'\"])#.*)?"
)


@dataclass(frozen=True, slots=True)
class EnvFile:
    """A file with settings that a service names; one that is not required may be missing."""

    path: str
    is_required: bool = True


@dataclass(frozen=True, slots=True)
class Service:
    """Athens' service: its image, its storage's root, and what is mounted there.

    `volume` is the volume's name as the engine knows it, `below` the folder in it that is mounted;
    `folder` a bind mount's host folder. All are empty where nothing is mounted at the root.
    `settings` is its environment as Compose passes it on, less what `env_files` say; `user` whom it
    runs as, empty for the image's own.
    """

    project: str
    name: str
    image: str
    root: str
    volume: str = ""
    folder: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    env_files: tuple[EnvFile, ...] = ()
    user: str = ""
    elsewhere: tuple[str, ...] = ()
    below: str = ""


def find_athens(
    raw: object, *, folder_name: str, env: Mapping[str, str], wanted: str = "", where: str
) -> Service:
    """Find Athens' service: the wanted one, else the one that looks like Athens.

    Args:
        raw: the parsed file.
        folder_name: the name of the file's folder, after which Compose names the project.
        env: the variables that Compose would fill in.
        wanted: the service's name; empty to look for Athens.
        where: the file, for errors.

    Raises:
        InputError: there is none, or several.
    """
    services = raw.get("services") if isinstance(raw, dict) else None
    if not isinstance(services, dict):
        raise InputError("no services in this compose file", where=where)
    found = [name for name, one in services.items() if isinstance(one, dict) and _is_athens(one)]
    names = [wanted] if wanted in services else [] if wanted else found
    if len(names) != 1:
        raise InputError(
            f"no service {wanted}" if wanted else f"{len(names)} services look like Athens",
            where=where,
            hint=f"give --service with one of: {', '.join(map(str, services))}",
        )
    assert isinstance(raw, dict)
    filled = _filled(services[names[0]], env)
    project = project_name(_filled(raw.get("name"), env), folder_name, env)
    root = passed_environment(filled, env).get(STORAGE_ROOT) or DEFAULT_ROOT
    volume, folder, below = _mounted_at(filled, root, _filled(raw.get("volumes"), env), project)
    return Service(
        project,
        names[0],
        str(filled.get("image") or ""),
        root,
        volume,
        folder,
        settings=passed_environment(filled, env),
        env_files=_env_files(filled.get("env_file")),
        user=str(filled.get("user") or ""),
        elsewhere=_elsewhere(filled, root),
        below=below,
    )


def project_name(name: object, folder_name: str, env: Mapping[str, str]) -> str:
    """Tell the project's name as Compose makes it.

    >>> project_name(None, "My Athens.1", {})
    'myathens1'
    """
    chosen = env.get("COMPOSE_PROJECT_NAME") or name or folder_name
    return re.sub(r"[^-_a-z0-9]", "", str(chosen).lower()).lstrip("-_")


def environment(service: Mapping[str, Any]) -> dict[str, str]:
    """Read a service's environment, a list or a mapping."""
    raw = service.get("environment") or {}
    if isinstance(raw, dict):
        return {str(key): "" if value is None else str(value) for key, value in raw.items()}
    pairs = (str(item).partition("=") for item in raw)
    return {key: value for key, _, value in pairs}


def passed_environment(service: Mapping[str, Any], env: Mapping[str, str]) -> dict[str, str]:
    """Tell what Compose sets: a name alone passes the host's value, and nothing where it has none.

    >>> passed_environment({"environment": ["A=a", "B", "C"]}, {"B": "b"})
    {'A': 'a', 'B': 'b'}
    """
    raw = service.get("environment") or {}
    pairs = raw.items() if isinstance(raw, dict) else map(_pair, raw)
    named = {str(key): env.get(str(key)) if value is None else str(value) for key, value in pairs}
    return {key: value for key, value in named.items() if value is not None}


def _pair(item: Any) -> tuple[str, str | None]:
    key, is_set, value = str(item).partition("=")
    return key, value if is_set else None


def _env_files(raw: Any) -> tuple[EnvFile, ...]:
    """Read `env_file`: one name, or several, each a name or a mapping with its `path`."""
    items = raw if isinstance(raw, list) else [raw] if raw else []
    named = (item if isinstance(item, dict) else {"path": item} for item in items)
    return tuple(
        EnvFile(str(item["path"]), str(item.get("required", True)).lower() != "false")
        for item in named
        if item.get("path")
    )


def parse_env(text: str, env: Mapping[str, str]) -> dict[str, str]:
    r"""Read `NAME=value` lines, as in .env and in what `env_file` names.

    A name alone passes the value that `env` has, and nothing where it has none.

    >>> parse_env("A=a # why\nexport B='b # b'\nC\nD\n# E=e\nF=f#f", {"C": "c"})
    {'A': 'a', 'B': 'b # b', 'C': 'c', 'F': 'f#f'}
    """
    found = {}
    for line in text.splitlines():
        match = _ENV_LINE.fullmatch(line.strip())
        if match is None:
            continue
        values = (match["single"], match["double"], match["bare"], env.get(match["name"]))
        value = next((each for each in values if each is not None), None)
        if value is not None:
            found[match["name"]] = value
    return found


def interpolate(text: str, env: Mapping[str, str]) -> str:
    """Fill in variables, also in what stands for others.

    >>> interpolate("${A:-x}/$B/$$/${C}/${D-${E:-$B}}", {"B": "b"})
    'x/b/$//b'
    """
    filled = ""
    while match := _VARIABLE.search(text):
        value, rest = _value_and_rest(match, env)
        filled += text[: match.start()] + value
        text = rest
    return filled + text


def _value_and_rest(match: re.Match[str], env: Mapping[str, str]) -> tuple[str, str]:
    """Tell what a variable is filled in with, and the text behind it."""
    rest, word = match.string[match.end() :], ""
    if match["escaped"]:
        return "$", rest
    if match["name"]:
        end = _closing_brace(rest)
        if end < 0:
            return match[0], rest  # Compose refuses such a file
        word, rest = rest[:end], rest[end + 1 :]
    found, how = env.get(match["plain"] or match["name"]), match["how"] or ""
    is_set = bool(found) if how.startswith(":") else found is not None
    if how.endswith("+" if is_set else "-"):
        return interpolate(word, env), rest
    return (found or "") if is_set and not how.endswith("+") else "", rest


def _closing_brace(text: str) -> int:
    """Find the end of what stands in braces that are open already; -1 if there is none."""
    depth = 1
    for at, char in enumerate(text):
        depth += (char == "{") - (char == "}")
        if not depth:
            return at
    return -1


def _is_athens(service: Mapping[str, Any]) -> bool:
    return "athens" in str(service.get("image") or "") or STORAGE_TYPE in environment(service)


def _filled(raw: Any, env: Mapping[str, str]) -> Any:
    if isinstance(raw, str):
        return interpolate(raw, env)
    if isinstance(raw, dict):
        return {key: _filled(value, env) for key, value in raw.items()}
    if isinstance(raw, list):
        return [_filled(item, env) for item in raw]
    return raw


def _mounted_at(service: Mapping[str, Any], root: str, volumes: Any, project: str) -> list[str]:
    """Tell the volume, or else the host's folder, that is mounted at a path, and its subpath."""
    for item in service.get("volumes") or ():
        source, target, below = _mount(item)
        if target.rstrip("/") != root.rstrip("/") or not source:
            continue
        if source.startswith((".", "/", "~")):
            return ["", source, ""]
        declared = (volumes or {}).get(source) or {}
        named = declared.get("name")
        external = declared.get("external")
        if isinstance(external, dict):  # Compose files of version 2 and 3.0
            named = named or external.get("name")
        return [str(named or (source if external else f"{project}_{source}")), "", below]
    return ["", "", ""]


def _elsewhere(service: Mapping[str, Any], root: str) -> tuple[str, ...]:
    keys = [key for key in ("command", "entrypoint", "configs", "secrets") if service.get(key)]
    targets = [_mount(item)[1] for item in service.get("volumes") or ()]
    beside = [target for target in targets if target.rstrip("/") != root.rstrip("/")]
    return (*keys, *(f"a mount at {target}" for target in beside))


def _mount(item: Any) -> tuple[str, str, str]:
    if isinstance(item, dict):
        below = str((item.get("volume") or {}).get("subpath") or "").strip("/")
        return str(item.get("source") or ""), str(item.get("target") or ""), below
    parts = str(item).split(":")
    return (parts[0], parts[1], "") if len(parts) > 1 else ("", parts[0], "")
