"""Layouts: keys and their inverses."""

import string

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from gopack.errors import InputError
from gopack.plan import layout
from gopack.plan.layout import FileKind, StoredFile
from gopack.spec.module import ModuleVersion
from tests.examples import examples

TOML = ModuleVersion("github.com/BurntSushi/toml", "v1.3.2")
LETTERS = string.ascii_letters + string.digits + "_~-"
ELEMENT = st.builds(str.__add__, st.sampled_from(LETTERS), st.text(LETTERS + ".", max_size=8))
PATHS = st.lists(ELEMENT, min_size=1, max_size=4).map("/".join)
PRE_RELEASES = st.text(string.ascii_lowercase + string.digits + ".", min_size=1, max_size=9)
VERSIONS = st.builds(
    "v{}.{}.{}{}{}".format,
    *(st.integers(0, 9999), st.integers(0, 99), st.integers(1, 9)),
    st.just("") | PRE_RELEASES.map("-".__add__),
    st.sampled_from(["", "+incompatible"]),
)
MODULES = st.builds(ModuleVersion, PATHS, VERSIONS)


def test_athens_disk_key_mixed_case_is_not_escaped() -> None:
    assert [layout.athens_disk_key(TOML, kind) for kind in FileKind] == [
        "github.com/BurntSushi/toml/v1.3.2/v1.3.2.info",
        "github.com/BurntSushi/toml/v1.3.2/go.mod",
        "github.com/BurntSushi/toml/v1.3.2/source.zip",
    ]


@given(module=MODULES, kind=st.sampled_from(FileKind))
@settings(max_examples=examples(100))
def test_keys_parse_back_to_what_they_stand_for(module: ModuleVersion, kind: FileKind) -> None:
    file = StoredFile(module, kind)
    assert layout.parse_athens_disk_key(layout.athens_disk_key(*file)) == file
    assert layout.parse_athens_s3_key(layout.athens_s3_key(*file)) == file


@pytest.mark.parametrize(
    "key",
    [
        "",
        "go.mod",
        "v1.0.0/go.mod",
        "a.b/v1.0.0",
        "a.b/v1.0.0/v1.0.1.info",
        "a.b/v1.0.0/README",
        "a.b/v1.0/go.mod",
        "a.b/master/go.mod",
        "a.b/v01.0.0/go.mod",
        "/a.b/v1.0.0/go.mod",
        ".gopack/staging/v1.0.0/go.mod",
        "a.b/../v1.0.0/go.mod",
        "a.b//v1.0.0/go.mod",
    ],
)
def test_parse_athens_disk_key_foreign_key_is_none(key: str) -> None:
    assert layout.parse_athens_disk_key(key) is None


@given(module=MODULES, kind=st.sampled_from(FileKind))
@settings(max_examples=examples(100))
def test_goproxy_key_parses_back_or_has_no_escaped_form(
    module: ModuleVersion, kind: FileKind
) -> None:
    module = module._replace(path=f"example.com/{module.path}")
    try:
        key = layout.goproxy_key(module, kind)
    except InputError:
        reject()
    assert key == key.lower()
    assert layout.parse_goproxy_key(key) == (module, kind)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "github.com/BurntSushi/toml/@v/v1.3.2.mod",
        "example.com/m/@v/list",
        "example.com/m/@v/master.info",
        "example.com/m/@v/v1.0.0.lock",
        "example.com/../m/@v/v1.0.0.mod",
    ],
)
def test_parse_goproxy_key_foreign_key_is_none(key: str) -> None:
    assert layout.parse_goproxy_key(key) is None


@pytest.mark.parametrize("key", ["", "a.b/@v/list", "a.b/@v/v1.0.0.ziphash", "/@v/v1.0.0.zip"])
def test_parse_athens_s3_key_foreign_key_is_none(key: str) -> None:
    assert layout.parse_athens_s3_key(key) is None


def test_case_clashes_names_both_spellings_of_paths_folders_and_versions() -> None:
    modules = [
        ModuleVersion("a.b/Foo/x", "v1.0.0"),
        ModuleVersion("a.b/foo/y", "v1.0.0"),
        ModuleVersion("c.d/e", "v1.0.0-RC1"),
        ModuleVersion("c.d/e", "v1.0.0-rc1"),
        ModuleVersion("c.d/e", "v1.0.0"),
    ]
    assert layout.case_clashes(modules) == [
        ("a.b/Foo", "a.b/foo"),
        ("c.d/e/v1.0.0-RC1", "c.d/e/v1.0.0-rc1"),
    ]
