"""Every parser that reads foreign bytes, as a function of bytes that raises GopackErrors only.

A target that a fuzzer drives: `seeds` are right inputs to start from.
"""

import contextlib
import json
import tempfile
from pathlib import Path

from gopack.adapters.plainhttp import OddError, parse_head
from gopack.adapters.zippackages import read_packages
from gopack.adapters.zips import read_module_zip
from gopack.errors import GopackError
from gopack.plan import manifest, modlist, query
from gopack.plan.inputs import detect
from gopack.plan.inputs.roots import Format
from gopack.plan.survey import ALL
from gopack.spec import (
    goenv,
    gomod,
    gosum,
    gourl,
    httpproxy,
    imports,
    info,
    netrc,
    note,
    purl,
    sumdb,
    tiles,
    tlog,
)
from gopack.spec.module import ModuleVersion
from gopack.spec.tiles import SUMDB_HEIGHT, TileProver
from tests.fakes_sumdb import FakeSumDB
from tests.faults import targets_bundle
from tests.faults.target import Target, text
from tests.zipmaker import Item, make_zip

MODULE = ModuleVersion("example.com/m", "v1.0.0")
P = b"example.com/m@v1.0.0/"


def _log() -> FakeSumDB:
    log = FakeSumDB()
    log.grow(70)
    log.add(MODULE)
    return log


LOG = _log()
TREE = LOG.tree()
TILES = tiles.new_tiles(SUMDB_HEIGHT, 0, TREE.size)


def open_note(data: bytes) -> object:
    return note.open_note(data, [LOG.verifier])


def admit_tile(data: bytes) -> object:
    prover = TileProver(TREE)
    prover.admit({TILES[0]: data})
    return prover.proven


def read_zip(data: bytes) -> None:
    with tempfile.NamedTemporaryFile(dir=_memory()) as file:
        file.write(data)
        file.flush()
        with contextlib.suppress(GopackError):
            read_module_zip(Path(file.name), MODULE)
            read_packages(Path(file.name), MODULE, ALL)


def read_answer(data: bytes) -> None:
    with contextlib.suppress(OddError):
        head = parse_head(data)
        assert head.length is None or head.length >= 0


def _memory() -> str | None:
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


def head_and_tail(data: bytes) -> None:
    """A Go file, by its start and as a whole."""
    imports.read_source(data[: len(data) // 2], whole=False)
    assert imports.read_source(data) is not None


def forward(data: bytes) -> object:
    settings = httpproxy.settings_from({"HTTPS_PROXY": text(data), "NO_PROXY": text(data)})
    return httpproxy.proxy_for(settings, gourl.parse("https://example.com/x"))


def read_any(data: bytes) -> None:
    for kind in set(Format) - {Format.LIST}:
        with contextlib.suppress(GopackError):
            detect.read_input("file", data, kind)


GO_MOD = b"""module example.com/m // Deprecated: use v2

go 1.21.0

toolchain go1.22.1

require (
\texample.com/a v1.2.3 // indirect
\t"example.com/b" v0.0.0-20200101000000-abcdefabcdef
)

replace example.com/a => ../a

exclude example.com/b v1.0.0

retract [v1.0.0, v1.1.0] // broken
"""
GO_FILE = b"""//go:build linux && !cgo

/* text */
package m

import (
\t"fmt"
\tx "example.com/x"
)

func main() {}
"""
INFO = b"""{"Version":"v1.0.0","Time":"2020-01-02T03:04:05Z",
"Origin":{"VCS":"git","URL":"https://example.com/m","Ref":"refs/tags/v1.0.0","Hash":"abc"}}"""
MANIFEST = json.dumps(
    {
        "format": 1,
        "versions": {
            "example.com/m@v1.0.0": {
                "state": "mod-only",
                "info": {"sha256": "0" * 64},
                "mod": {"sha256": "0" * 64, "h1": "h1:x"},
            }
        },
    }
).encode()
ANSWER = b"""HTTP/1.1 206 Partial Content\r
Content-Type: application/zip\r
Content-Length: 1\r
Content-Range: bytes 0-0/149\r
ETag: "abc"\r
Connection: keep-alive\r
\r
"""
SBOM = b"""{"bomFormat":"CycloneDX","components":[
{"type":"library","purl":"pkg:golang/example.com/m@v1.0.0"}]}"""
ZIPS = (
    make_zip([Item(P + b"go.mod", b"module example.com/m\n"), Item(P + b"m.go", GO_FILE)]),
    make_zip([Item(P + b"a.go", GO_FILE, flags=8), Item(P + b"b/b.go", GO_FILE, stored=True)]),
    make_zip([Item(P + b"a.go", GO_FILE, zip64=True)], zip64=True, comment=b"hello"),
    make_zip([Item(P + "ä.go".encode(), b"", flags=0x800), Item(P + b"d/", b"")], before=b"sfx"),
)

TARGETS = {
    "list": Target(modlist.parse_list, (b"example.com/m@v1.0.0 # why\n", b"go get x;")),
    "versions": Target(query.parse_versions, (b"v1.0.0\nv1.1.0-rc.1\n",)),
    "newest listed": Target(query.newest_listed, (b"v0.0.0-20200101000000-abcdefabcdef 2020\n",)),
    "go.mod": Target(gomod.parse, (GO_MOD,)),
    "go.mod, strict": Target(lambda d: gomod.parse(d, strict=True), (GO_MOD,)),
    "info": Target(lambda d: info.parse_info(d, where="x"), (INFO,)),
    "checked info": Target(lambda d: query.checked_info(*MODULE, d), (INFO,)),
    "imports": Target(head_and_tail, (GO_FILE,)),
    "zip": Target(read_zip, ZIPS),
    "head of an answer": Target(read_answer, (ANSWER,)),
    "note": Target(open_note, (LOG.head(),)),
    "head": Target(lambda d: sumdb.open_head(d, LOG.verifier), (LOG.head(),)),
    "tree": Target(lambda d: tlog.parse_tree(text(d)), (tlog.format_tree(TREE).encode(),)),
    "record": Target(tlog.parse_record, (tlog.format_record(tlog.Record(1, b"x\n")),)),
    "lookup": Target(sumdb.parse_lookup, (LOG.lookup(MODULE),)),
    "tile": Target(admit_tile, (LOG.tile_data(TILES[0]),)),
    "tile path": Target(lambda d: tiles.parse_tile_path(text(d)), (b"tile/8/0/x001/234.p/7",)),
    "sumdb path": Target(lambda d: sumdb.parse_request(text(d)), (b"lookup/example.com/m@v1.0.0",)),
    "go.sum": Target(lambda d: gosum.parse(text(d)), (b"example.com/m v1.0.0/go.mod h1:abc=\n",)),
    "manifest": Target(lambda d: manifest.loads(d, where="x"), (MANIFEST,)),
    "netrc": Target(
        lambda d: netrc.parse_netrc(text(d)),
        (b"machine a.example login me password pw\nmacdef x\ny\n\ndefault login a password b\n",),
    ),
    "go.env": Target(lambda d: goenv.parse_env_file(text(d)), (b"GOPROXY=https://a|direct\n",)),
    "GOPROXY": Target(lambda d: goenv.parse_proxies(text(d)), (b"https://u:p@a.example/x,direct",)),
    "GOSUMDB": Target(lambda d: goenv.parse_sumdb(text(d)), (str(LOG.verifier).encode(),)),
    "url": Target(lambda d: gourl.parse(text(d)), (b"https://u:p%40@[::1]:80/a?b#c",)),
    "forward proxy": Target(forward, (b"http://u:p@a.example:3128", b"10.0.0.0/8,.example")),
    "purl": Target(lambda d: purl.parse_purl(text(d)), (b"pkg:golang/example.com/m@v1.0.0#a",)),
    **targets_bundle.targets(LOG),
    "given files": Target(
        read_any,
        (GO_MOD, b"go 1.21\nuse ./a\n", b"# example.com/m v1.0.0\n", b'{"Path":"a.b/c"}', SBOM),
    ),
}
