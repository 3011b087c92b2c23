"""Module zips as the public Go module proxy has them: gopack's sums are the go command's."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from gopack.adapters.zips import read_module_zip
from gopack.spec.dirhash import hash_go_mod
from gopack.spec.module import ModuleVersion
from tests.cachefolder import cache_dir

pytestmark = pytest.mark.e2e

MODULES = [
    ModuleVersion("golang.org/x/tools", "v0.30.0"),
    ModuleVersion("k8s.io/client-go", "v0.32.0"),
    ModuleVersion("github.com/Azure/azure-sdk-for-go/sdk/azcore", "v1.17.0"),
    ModuleVersion("github.com/BurntSushi/toml", "v1.4.0"),
    ModuleVersion("gopkg.in/yaml.v3", "v3.0.1"),
    ModuleVersion("github.com/docker/docker", "v27.5.1+incompatible"),
]


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_read_module_zip_of_a_real_module_gives_the_go_commands_sum(module: ModuleVersion) -> None:
    cache = cache_dir() / "real-zips"
    done = subprocess.run(
        ["go", "mod", "download", "-modcacherw", "-json", str(module)],
        cwd=Path("/"),
        env={**os.environ, "GOMODCACHE": str(cache), "GOFLAGS": "", "GOWORK": "off"},
        stdout=subprocess.PIPE,
        check=True,
        timeout=120,
    )
    said = json.loads(done.stdout)
    receipt = read_module_zip(Path(said["Zip"]), module)
    assert receipt.h1 == said["Sum"]
    assert hash_go_mod(Path(said["GoMod"]).read_bytes()) == said["GoModSum"]
    assert receipt.size_bytes == Path(said["Zip"]).stat().st_size
    if receipt.go_mod is not None:
        assert receipt.go_mod == Path(said["GoMod"]).read_bytes()
    files = [p for p in Path(said["Dir"]).rglob("*") if p.is_file()]
    assert receipt.file_count == len(files)
    assert receipt.unpacked_bytes == sum(p.stat().st_size for p in files)
