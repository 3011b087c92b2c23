"""Bringing in versions that were made elsewhere: checked, then put into the storage."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from gopack.errors import IntegrityError
from gopack.flows.byhand import HandMade
from gopack.plan.manifest import UNVERIFIED
from gopack.plan.packing import unparsed
from gopack.plan.publishing import PublishOrder
from gopack.plan.summary import check_names_module, is_synthesized, required_by, summarize
from gopack.ports import FetchedZip
from gopack.spec import gomod
from gopack.spec import info as infos
from gopack.spec.module import ModuleVersion


class CheckedZip(NamedTuple):
    """A zip in the staging folder that obeys all rules, and the go.mod in it."""

    fetched: FetchedZip
    go_mod: bytes | None


def check_files(module: ModuleVersion, *, info: bytes, mod: bytes) -> tuple[str, ...]:
    """Check that the small files are this version's; give warnings.

    The go command downloads a version whose go.mod cannot be parsed, if it names its module.

    Raises:
        IntegrityError: they are not.
    """
    said = infos.parse_info(info, where=f"{module}.info")
    if said.version != module.version:
        raise IntegrityError(
            "the .info is another version's",
            where=str(module),
            expected=module.version,
            got=said.version,
        )
    warnings = unparsed(mod)
    if not warnings or gomod.module_path(mod) != module.path:
        check_names_module(module, summarize(module, mod))
    return warnings


def check_go_mod(module: ModuleVersion, *, mod: bytes, in_zip: bytes | None) -> None:
    """Check that the .mod file is what the zip has.

    Raises:
        IntegrityError: it is not.
    """
    if in_zip == mod or (in_zip is None and is_synthesized(module.path, mod)):
        return
    raise IntegrityError(
        "the go.mod beside the zip is not the one in it"
        if in_zip is not None
        else "the zip has no go.mod, and the one beside it says more than the module's path",
        where=str(module),
        hint="Pack the version anew: gopack pack.",
    )


def assemble(
    module: ModuleVersion, *, info: bytes, mod: bytes, zip_file: CheckedZip | None, how: str
) -> HandMade:
    """Check three files against each other; they become a version to put in.

    Raises:
        IntegrityError: they do not belong together, or to this version.
    """
    warnings = check_files(module, info=info, mod=mod)
    if zip_file is not None:
        check_go_mod(module, mod=mod, in_zip=zip_file.go_mod)
    fetched = zip_file.fetched if zip_file else None
    return HandMade(module, info, mod, fetched, verified_as(how), how, warnings)


def verified_as(how: str) -> str:
    """Tell for the manifest that nothing vouches for a version but where it came from."""
    return f"{UNVERIFIED}: not compared with the checksum database ({how})"


def in_order(versions: Sequence[HandMade]) -> list[HandMade]:
    """Put versions behind those that they require."""
    known: Mapping[ModuleVersion, HandMade] = {each.module: each for each in versions}
    requires = {
        module: [r for r in required_by(module, each.mod) if r in known]
        for module, each in known.items()
    }
    order = PublishOrder(requires)
    ready = [module for each in known for module in order.staged(each)]
    return [known[module] for module in (*ready, *order.blocked())]
