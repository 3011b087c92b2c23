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
def test_find_folder_unreadable_go_mod_is_told_with_its_line(path: str, file: str) -> None:
    text = f"module {path}\nrequire x.example/y b98a9ff5e252\n".encode()
    with pytest.raises(InputError, match=f"v2.5.0: {file}:2"):
        find_folder(Place(path), {file: text}.get, where="v2.5.0")
