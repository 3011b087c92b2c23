"""gopack in its own bundle: the sealed side begins with nothing but the medium."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from gopack.adapters import kit
from gopack.adapters.bundlefiles import History
from gopack.plan.bundle import readme, wheel
from tests.bundling import Side, files_below

KIT = ("--with-gopack", "--image", "none")


def commands_of(page: str) -> str:
    """The page's commands for a shell: the lines indented by four."""
    return "\n".join(re.findall(r"^ {4}(\S.*)$", page, re.MULTILINE))


@pytest.mark.e2e
def test_page_on_the_medium_is_enough_without_an_index(
    connected: Side, tmp_path: Path, key: Path
) -> None:
    """Run, word for word, what the page says, in an empty environment, no package index.

    As on Debian, the Python there has neither pip nor ensurepip.
    """
    stick = tmp_path / "stick"
    stick.mkdir()
    connected.done("bundle", "create", stick / "m", *KIT, "--volume-size", "8MiB")
    assert len(list(stick.glob("m.00?"))) > 1
    shutil.copy(f"{key}.pub", stick / "bundle.key.pub")
    for name in ("pip", "ensurepip"):
        (tmp_path / "debian" / name).mkdir(parents=True)
        (tmp_path / "debian" / name / "__init__.py").write_text("raise ImportError")
    env = {
        "PYTHONPATH": str(tmp_path / "debian"),
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "HOME": str(tmp_path),
        "PIP_CONFIG_FILE": os.devnull,
        "GOSUMDB": str(connected.log.verifier),
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "HTTP_PROXY": "http://127.0.0.1:9",
    }
    commands = commands_of((stick / "m.README.txt").read_text())
    assert "--no-index" in commands
    done = subprocess.run(
        ["sh", "-ec", commands], cwd=stick, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 added" in done.stderr + done.stdout
    assert files_below(stick / "STORAGE") == connected.versions()
    assert (stick / "gopack/docs/sealed-side.md").is_file()


def test_pages_that_are_carried_link_to_nothing_that_is_not(tmp_path: Path) -> None:
    """But for the records of decisions, which are for whoever changes gopack."""
    kit.add_docs(tmp_path)
    for page in tmp_path.rglob("*.md"):
        for link in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
            is_elsewhere = "://" in link or link.startswith("adr/")
            assert is_elsewhere or (page.parent / link).is_file(), f"{page.name}: {link}"
    assert (tmp_path / "docs/sealed-side.md").is_file()


def test_kit_without_docker_says_so(connected: Side, tmp_path: Path) -> None:
    connected.env["DOCKER_HOST"] = f"unix://{tmp_path}/none.sock"
    words = ("--with-gopack", "--wheels-for", "none")
    started = connected.start("bundle", "create", tmp_path / "m", *words)
    output = started.communicate(timeout=60)[0].decode()
    assert started.returncode == 5
    assert "no Docker engine answers" in output
    assert not list(tmp_path.glob("m*"))
    assert not list((connected.root / ".gopack").glob("bundles/*"))


def test_kit_is_kept_so_that_a_volume_can_be_made_again(connected: Side, tmp_path: Path) -> None:
    """Without wheels and image nothing would be carried: a kit is put there as it would be."""
    refused = connected.run("bundle", "create", tmp_path / "m", *KIT, "--wheels-for", "none")
    assert refused.exit_code == 2
    extra = tmp_path / "extra"
    (extra / "docs").mkdir(parents=True)
    (extra / "docs" / "page.md").write_text("page")
    connected.done("bundle", "create", tmp_path / "m", "--with", extra)
    assert (tmp_path / "m.README.txt").exists()
    (connected.root / ".gopack/bundles").mkdir(exist_ok=True)
    shutil.copytree(extra, connected.root / ".gopack/bundles/000001.kit")
    connected.done("bundle", "create", tmp_path / "again", "--again", "1")
    assert (tmp_path / "again").read_bytes() == (tmp_path / "m").read_bytes()
    connected.done("bundle", "create", tmp_path / "n")
    assert "gopack itself" not in connected.done("bundle", "inspect", tmp_path / "n")


def test_page_speaks_of_the_image_that_is_carried_also_when_made_again(
    connected: Side, tmp_path: Path
) -> None:
    """A kit is put there as it would be."""
    extra = tmp_path / "extra"
    (extra / "docs").mkdir(parents=True)
    (extra / "docs" / "page.md").write_text("page")
    history = History(connected.root / ".gopack")
    for name, has_image in (("m", False), ("n", True)):
        if has_image:
            (extra / "image.tar").write_bytes(b"image")
        connected.done("bundle", "create", tmp_path / name, "--with", extra)
        number = history.last()
        shutil.copytree(extra, history.kit(number))
        if has_image:
            history.name_image(number, "mine:1")
        connected.done("bundle", "create", tmp_path / f"{name}-again", "--again", str(number))
        page = (tmp_path / f"{name}-again.README.txt").read_text()
        assert (has_image, has_image) == ("docker load" in page, " mine:1 " in page)
    assert "docker" not in (tmp_path / "m.README.txt").read_text().split("Take gopack out")[1]
    assert " gopack:local " in (tmp_path / "n.README.txt").read_text()


def test_image_whose_name_is_not_recorded_is_named_when_made_again(
    connected: Side, tmp_path: Path
) -> None:
    """An older gopack did not record it; a kit is put there as it would be."""
    history = History(connected.root / ".gopack")
    extra = tmp_path / "extra"
    (extra / "docs").mkdir(parents=True)
    (extra / "docs" / "page.md").write_text("page")
    (extra / "image.tar").write_bytes(b"image")
    connected.done("bundle", "create", tmp_path / "m", "--with", extra)
    shutil.copytree(extra, history.kit(1))
    connected.done("bundle", "create", tmp_path / "n", "--again", "1", "--image", "mine:1")
    assert " mine:1 " in (tmp_path / "n.README.txt").read_text()
    history.name_image(1, "mine:2")
    result = connected.run("bundle", "create", tmp_path / "o", "--again", "1", "--image", "mine:1")
    assert (result.exit_code, "--again and --image" in result.output) == (2, True)


def test_folder_that_is_a_link_is_refused_and_not_left_out(connected: Side, tmp_path: Path) -> None:
    (tmp_path / "extra").mkdir()
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "x").write_text("x")
    (tmp_path / "extra" / "page").write_text("x")
    (tmp_path / "extra" / "tools").symlink_to(tmp_path / "tools")
    result = connected.run("bundle", "create", tmp_path / "m", "--with", tmp_path / "extra")
    assert result.exit_code == 2
    assert "not a plain file" in result.output


@pytest.mark.parametrize("name", [b"\xff", b"a\n", b"a\\b"])
def test_name_that_cannot_be_carried_is_refused(
    connected: Side, tmp_path: Path, name: bytes
) -> None:
    extra = tmp_path / "extra"
    extra.mkdir()
    (extra / os.fsdecode(name)).write_text("x")
    result = connected.run("bundle", "create", tmp_path / "m", "--with", extra)
    assert result.exit_code == 2
    assert "a name that cannot be carried" in result.output
    assert not list(tmp_path.glob("m*"))


@pytest.mark.e2e  # pip itself installs it
def test_own_wheel_has_every_file_and_can_make_the_next_kit(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    described = kit._metadata()
    data = wheel.make_wheel(described, kit._package_files())
    assert data == wheel.make_wheel(described, kit._package_files())
    path = tmp_path / wheel.wheel_name(described)
    path.write_bytes(data)
    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
    package = Path(kit.__file__).parents[2]
    for file in (package / "gopack").rglob("*.py"):
        assert file.relative_to(package).as_posix() in names
    assert {"gopack/_kit/runtime.txt", "gopack/_kit/pip.txt"} <= names
    assert {"gopack/_kit/README.md", "gopack/_kit/docs/sealed-side.md"} <= names
    words = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]
    words += ["--disable-pip-version-check", "--target", str(tmp_path / "a"), str(path)]
    subprocess.run(words, check=True)
    script = "from gopack.adapters import kit; print(kit._docs().keys(), kit._metadata().requires)"
    env = {**os.environ, "PYTHONPATH": str(tmp_path / "a")}
    said = subprocess.check_output([sys.executable, "-c", script], cwd=tmp_path, env=env, text=True)
    assert "sealed-side.md" in said
    assert "cryptography" in said


def test_page_names_what_is_there() -> None:
    page = readme.render("my bundle", "id", [], image="", has_wheels=True)
    assert "tar -xf 'my bundle' gopack" in page
    assert "docker" not in page.split("Install it")[1]
    assert "pip" not in readme.render("m", "id", ["m.001"], image="gopack:local", has_wheels=False)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--again", "1", "--since", "1"), "--again and --since"),
        (("--again", "1", "--with-gopack"), "--again and --with-gopack"),
        (("--again", "1", "--image", "none"), "--again and --image"),
        (("--again", "1", "--wheels-for", "3.12"), "--again and --wheels-for"),
        (("--image", "none"), "--image without --with-gopack"),
        (("--wheels-for", "3.12"), "--wheels-for without --with-gopack"),
    ],
)
def test_options_without_effect_are_refused_on_the_command_line_alone(
    connected: Side, tmp_path: Path, words: tuple[str, ...], told: str
) -> None:
    """Those in the environment are there for the runs that need them."""
    connected.done("bundle", "create", tmp_path / "a")
    result = connected.run("bundle", "create", tmp_path / "b", *words)
    assert (result.exit_code, told in result.output) == (2, True), result.output
    connected.env |= {"GOPACK_IMAGE": "none", "GOPACK_WHEELS_FOR": "3.12", "GOPACK_SINCE": "1"}
    connected.done("bundle", "create", tmp_path / "b", "--again", "1")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
