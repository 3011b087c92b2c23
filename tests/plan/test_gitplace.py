"""Where a module lies in a repository, told by its path and by what each go.mod declares."""

from collections.abc import Mapping

import pytest

from gopack.errors import InputError
from gopack.plan.gitplace import Place, find_folder, locate

ROOT = "corp.example/lib"


def located(given: str, declared: Mapping[str, str], folder: str = "") -> Place:
    texts = {f"{f}/go.mod".lstrip("/"): f"module {path}\n".encode() for f, path in declared.items()}
    return locate(given, folder, texts.get, lambda: declared, where="main")


@pytest.mark.parametrize(
    ("given", "declared", "code_dir"),
    [
        (f"{ROOT}/sub", {"sub": f"{ROOT}/sub"}, "sub"),
        (f"{ROOT}/sub/v2", {"sub": f"{ROOT}/sub", "sub/v2": f"{ROOT}/sub/v2"}, "sub"),
        (ROOT, {"sub": f"{ROOT}/sub"}, ""),
        (f"{ROOT}/v3", {"sub": f"{ROOT}/sub"}, ""),
        (f"{ROOT}/other", {"sub": f"{ROOT}/sub"}, "other"),
        (f"{ROOT}/sub", {"": ROOT}, "sub"),
        (f"{ROOT}/v2", {"": ROOT, "v2": f"{ROOT}/v2"}, ""),
        ("vanity.example/x", {"": ROOT, "sub": "vanity.example/x"}, "sub"),
        ("fork.example/lib", {"_examples": "corp.example/lib/_examples"}, ""),
        ("fork.example/lib", {"tools": "tools"}, ""),
        (f"{ROOT}/v3", {"v2": f"{ROOT}/v3", "v3": f"{ROOT}/v3"}, ""),
    ],
)
def test_locate_given_path_finds_its_folder(
    given: str, declared: Mapping[str, str], code_dir: str
) -> None:
    assert located(given, declared) == Place(given, code_dir)


def test_locate_path_of_two_folders_is_refused_with_both() -> None:
    with pytest.raises(InputError, match=r"a/go.mod and b/go.mod all name vanity.example/x"):
        located("vanity.example/x", {"a": "vanity.example/x", "b": "vanity.example/x"})


def test_locate_path_of_another_repository_is_refused_with_both() -> None:
    with pytest.raises(InputError, match=f"expected other.example/x, got {ROOT}"):
        located("other.example/x", {"": ROOT})


@pytest.mark.parametrize(("path", "file"), [(f"{ROOT}/v2", "v2/go.mod"), (ROOT, "go.mod")])
def test_find_folder_go_mod_that_cannot_be_parsed_names_its_module(path: str, file: str) -> None:
    text = f"module {path}\nrequire x.example/y b98a9ff5e252\n".encode()
    found = find_folder(Place(path), {file: text}.get, where="v2.5.0")
    assert found == (file.rpartition("/")[0], text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("((", "go.mod names no module: go.mod:1:1"),
        (f"module (\n{ROOT}/v2\n)", "names its module in a block"),
        (f"module {ROOT}", f"expected {ROOT}/v2, got {ROOT}"),
        ("go 1.21", f"expected {ROOT}/v2, got no module"),
    ],
)
def test_find_folder_go_mod_of_no_use_is_refused_with_its_fault(text: str, why: str) -> None:
    with pytest.raises(InputError) as caught:
        find_folder(Place(f"{ROOT}/v2"), {"go.mod": text.encode()}.get, where="v2.5.0")
    assert why in str(caught.value)


def own_folder(folder: str, path: str, *, root: str = "", url: str = "") -> str:
    """Where the go command looks for a module that a folder's go.mod names."""
    texts = {f"{folder}/go.mod".lstrip("/"): f"module {path}\n".encode()}
    if root:
        texts["go.mod"] = f"module {root}\n".encode()
    return locate("", folder, texts.get, dict, where="main", url=url).code_dir


@pytest.mark.parametrize(
    ("folder", "path", "signs", "code_dir"),
    [
        ("v2", f"{ROOT}/v2", {}, ""),
        ("v2", f"{ROOT}/v2/v3", {}, "v2"),
        ("sub", f"{ROOT}/sub/v3", {"root": ROOT}, "sub"),
        ("tools", "vanity.example/tools", {"root": ROOT, "url": f"https://{ROOT}.git"}, "tools"),
        ("tools", "vanity.example/t", {"root": ROOT, "url": f"https://{ROOT}.git"}, "tools"),
        ("", f"{ROOT}/v3", {"url": f"git@{ROOT.replace('/', ':')}.git"}, ""),
    ],
)
def test_locate_folder_of_its_path_is_taken(
    folder: str, path: str, signs: dict[str, str], code_dir: str
) -> None:
    assert own_folder(folder, path, **signs) == code_dir


@pytest.mark.parametrize(
    ("folder", "path", "signs", "looked_for"),
    [
        ("v2", f"{ROOT}/v3", {}, "go.mod or v3/go.mod"),
        ("v2", ROOT, {}, "go.mod"),
        ("sub/v2", f"{ROOT}/sub/v3", {"root": ROOT}, "sub/go.mod or sub/v3/go.mod"),
        ("sub", f"{ROOT}/other", {"root": ROOT}, "other/go.mod"),
        ("sub", f"{ROOT}/other", {"url": f"https://me@{ROOT}.git/"}, "other/go.mod"),
        ("sub", "git.example/a.git/other", {}, "other/go.mod"),
        ("", f"{ROOT}/sub", {"url": f"ssh://git@{ROOT.replace('/', ':22/')}"}, "sub/go.mod"),
    ],
)
def test_locate_folder_that_go_looks_past_is_refused_with_the_other(
    folder: str, path: str, signs: dict[str, str], looked_for: str
) -> None:
    with pytest.raises(InputError, match=f"looks for in {looked_for}$"):
        own_folder(folder, path, **signs)
