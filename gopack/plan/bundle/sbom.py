"""The software bill of materials of a bundle: CycloneDX 1.5 as JSON.

Versions that are carried with their code are components; go.mod files alone are no software. It
holds no time and no host, so that the same bundle has the same one.

Spec: cyclonedx.org/docs/1.5/json; the package URL type golang.
"""

import hashlib
import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote
from uuid import UUID

from gopack.errors import IntegrityError
from gopack.plan.bundle.index import Carried
from gopack.spec.module import ModuleVersion

_OTHER = "the bundle is forged or made by a broken program: do not import it"


def render(carried: Iterable[Carried]) -> bytes:
    """Write the bill of everything that is carried whole."""
    ordered = sorted(carried, key=lambda one: one.module)
    components = [_component(one) for one in ordered if one.entry.zip is not None]
    body = json.dumps(components, separators=(",", ":"))
    serial = UUID(bytes=hashlib.sha256(body.encode()).digest()[:16], version=4)
    bill = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": {"tools": {"components": [{"type": "application", "name": "gopack"}]}},
        "components": components,
    }
    return (json.dumps(bill, indent=1, ensure_ascii=False) + "\n").encode()


def check(data: bytes, carried: Iterable[Carried], *, where: str) -> None:
    """Check that a bill's components are the versions that the index says are carried whole.

    Raises:
        IntegrityError: it is no bill, or one of something else.
    """
    expected = sorted((purl(one.module), one.entry.zip.sha256) for one in carried if one.entry.zip)
    try:
        components = json.loads(data, object_hook=_in_short)["components"]
        found = sorted((str(purl), str(sha256)) for purl, sha256 in components)
    except (ValueError, TypeError, LookupError, RecursionError) as error:
        raise IntegrityError(f"malformed SBOM: {error}", where=where, hint=_OTHER) from error
    if found != expected:
        odd = sorted(set(found) ^ set(expected)) or found
        raise IntegrityError(
            f"the SBOM does not list what the bundle carries, such as {odd[0][0]}",
            where=where,
            hint=_OTHER,
        )


def _in_short(raw: dict[str, Any]) -> tuple[str, str] | dict[str, Any]:
    """Give a component's purl and SHA-256 as soon as it is parsed; the rest takes memory."""
    return (str(raw["purl"]), str(raw["hashes"][0]["content"])) if "purl" in raw else raw


def purl(module: ModuleVersion) -> str:
    """Give a version's package URL.

    >>> purl(ModuleVersion("github.com/a/b", "v2.0.0+incompatible"))
    'pkg:golang/github.com/a/b@v2.0.0%2Bincompatible'
    """
    return f"pkg:golang/{quote(module.path)}@{quote(module.version, safe='')}"


def _component(one: Carried) -> dict[str, Any]:
    assert one.entry.zip is not None
    component: dict[str, Any] = {
        "type": "library",
        "bom-ref": purl(one.module),
        "name": one.module.path,
        "version": one.module.version,
        "hashes": [{"alg": "SHA-256", "content": one.entry.zip.sha256}],
        "purl": purl(one.module),
    }
    names = one.licence.split(" AND ") if one.licence else []
    if names:
        component["licenses"] = [{"license": {"id": name}} for name in names]
    return component
