"""A CycloneDX SBOM as a list: its components that are Go modules.

Rules kept here:
- Components are found at any depth; what their purl says counts, `pkg:golang/path@version`.
- Tools that follow the purl specification write Go paths in lower case; where the component's
  name is the same path in other letters, the name's letters hold.
- Go itself (`stdlib`, `std`) is no module; the component the SBOM is about is not fetched.

Spec: cyclonedx.org/docs/1.6/json, github.com/package-url/purl-spec.
"""

import json
from collections.abc import Iterator

from gopack.errors import InputError
from gopack.plan.findings import Finding, Severity
from gopack.plan.inputs.roots import Format, InputRoots, check_exact, find_text, unique
from gopack.spec import semver
from gopack.spec.module import ModuleVersion
from gopack.spec.purl import parse_purl

_GO_ITSELF = frozenset({"std", "stdlib"})
_UNKNOWN_VERSIONS = frozenset({"", "(devel)", "unknown", "UNKNOWN"})


def read_cyclonedx(data: bytes, *, name: str = "sbom.json") -> InputRoots:
    """Read a CycloneDX SBOM in JSON; Go components that name no version become findings.

    Raises:
        InputError: when it is no CycloneDX document in JSON.
    """
    text = data.removeprefix(b"\xef\xbb\xbf").decode(errors="replace")
    document = _parse(text, name)
    roots: list[ModuleVersion] = []
    findings: list[Finding] = []
    lines = text.splitlines()
    for purl, title in _go_components(document):
        try:
            root = _read_component(purl, title)
        except InputError as error:
            found = Finding(name, *find_text(lines, purl), str(error), error.hint)
            findings.append(found)
        else:
            if root is None:
                continue
            if root.version in _UNKNOWN_VERSIONS:
                findings.append(_unknown(name, lines, purl, root))
            else:
                roots.append(root)
    if not roots and not findings:
        hint = "Make the SBOM of the Go project itself, or give its go.mod."
        findings.append(Finding(name, 0, 0, "", "no Go modules among its components", hint))
    return InputRoots(name, Format.CYCLONEDX, unique(roots), findings=tuple(findings))


def _parse(text: str, name: str) -> dict[str, object]:
    if text.lstrip().startswith("<"):
        raise InputError(
            "an SBOM in XML is not read",
            where=name,
            hint="Write it as JSON: most tools that make SBOMs have an option for it.",
        )
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:  # ValueError: endless digits, too
        raise InputError(f"no JSON: {error}", where=name, hint="Make the SBOM anew.") from error
    if not isinstance(document, dict) or document.get("bomFormat") != "CycloneDX":
        hint = "Give a CycloneDX SBOM in JSON; other formats are not read."
        raise InputError("no CycloneDX SBOM", where=name, hint=hint)
    return document


def _go_components(document: dict[str, object]) -> Iterator[tuple[str, str]]:
    """Yield purl and name of each Go component, depth first."""
    waiting = [document.get("components")]
    while waiting:
        components = waiting.pop()
        for component in components if isinstance(components, list) else []:
            if not isinstance(component, dict):
                continue
            waiting.append(component.get("components"))
            purl, title = component.get("purl"), component.get("name")
            if isinstance(purl, str) and purl.lower().startswith("pkg:golang/"):
                yield purl, title if isinstance(title, str) else ""


def _read_component(text: str, title: str) -> ModuleVersion | None:
    """Give the module of a component, or None for Go itself."""
    purl = parse_purl(text)
    if purl.path in _GO_ITSELF:
        return None
    path = title if title.lower() == purl.path.lower() else purl.path
    version = purl.version
    if not semver.is_valid(version) and semver.is_valid(f"v{version}"):
        version = f"v{version}"
    if version not in _UNKNOWN_VERSIONS:
        check_exact(path, version)
    return ModuleVersion(path, version)


def _unknown(name: str, lines: list[str], purl: str, root: ModuleVersion) -> Finding:
    what = f"{root.path} has no version: skipped"
    hint = f"Add {root.path}@VERSION to the list, if it is needed."
    return Finding(name, *find_text(lines, purl), what, hint, Severity.WARNING)
