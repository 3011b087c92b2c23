"""A local git repository, read as the go command reads a remote one; nothing is checked out.

Rules kept:
- A commit's files are what `git archive` gives with export rules switched off and line ends left
  alone, whatever this machine's and this repository's settings are: a bare repository of our own
  borrows the objects, so that only the commit's own attributes count.
- Nothing in the user's repository is written, not even its index, and nothing is fetched into it: a
  partial clone that lacks files is told of, not completed.
- A remote's URL is told without what may be a secret: user, password, query, fragment.
- A name out of the repository is no option to git: it stands behind `--`, or within a longer word.

Spec: cmd/go/internal/modfetch/codehost (git.go), modfetch.codeRepo (Zip).
"""

import io
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO
from urllib.parse import urlsplit, urlunsplit

from gopack.adapters.diskerrors import disk_errors
from gopack.errors import InputError, StoreError
from gopack.plan.gitversion import REV_DIGITS, TAGS, Commit, GitError
from gopack.plan.packing import CommittedFile, Listing
from gopack.spec.modzip import FileKind, SourceFile

MIN_HASH_DIGITS = 7
"""Fewer digits name no commit (modfetch.codehost)."""

_LICENSE = "LICENSE"
_PARTIAL = r"^(extensions\.partialclone|remote\..*\.promisor)$"
_FILTERS = r"^filter\..*\.(clean|smudge|process)$"
_LACKS = (
    b"cannot read", b"could not fetch", b"not allowed", b"bad file",
)  # fmt: skip
"""What git says of an object that is not there."""

_HEX = set("0123456789abcdef")


class NoRepositoryError(GitError):
    """The folder is in no git repository."""


class GitRepository:
    """The repository that a folder is in.

    `top` is the working tree's root, None for a bare repository; `folder` is the given folder's
    path below it, with slashes, empty for the root itself.

    Raises:
        NoRepositoryError: the folder is in no git repository.
        GitError: git cannot tell, or there is no git.
    """

    def __init__(self, folder: Path) -> None:
        self._at = folder
        self._is_partial = False
        bare, shallow, self.hash_algorithm, common = self._said(
            "rev-parse", "--is-bare-repository", "--is-shallow-repository",
            "--show-object-format", "--path-format=absolute", "--git-common-dir",
        ).split("\n", 3)  # fmt: skip
        self.is_shallow = shallow == "true"
        self._common = Path(common.removesuffix("\n"))
        self._is_partial = self._maybe("config", "--get-regexp", _PARTIAL) is not None
        self.top: Path | None = None
        self.folder = ""
        if bare != "true":
            self.top = Path(self._said("rev-parse", "--show-toplevel").removesuffix("\n"))
            self.folder = self._said("rev-parse", "--show-prefix").removesuffix("\n").rstrip("/")

    def refs(self) -> dict[str, str]:
        """Map HEAD, heads and tags to the commits they stand for, by full name.

        A tag of a tag is followed to its end; a tag of a tree or a file stands for no commit.
        """
        listed = self._said(
            "for-each-ref",
            "--format=%(refname) %(objecttype) %(objectname) %(*objecttype) %(*objectname)",
            "refs/heads", "refs/tags",
        )  # fmt: skip
        found = {}
        for line in listed.split("\n")[:-1]:  # other ends of lines may be in names
            ref, *facts = line.split(" ")
            kind, at = facts[2:] if facts[2] else facts[:2]
            if kind == "tag":  # git before 2.45 follows one tag alone
                end = self._maybe("rev-parse", "--verify", "--quiet", f"{at}^{{commit}}")
                kind, at = ("commit", end.decode().strip()) if end else (kind, at)
            if kind == "commit":
                found[ref] = at
        head = self._maybe("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
        return {"HEAD": head.decode().strip(), **found} if head else found

    def resolve(self, name: str) -> Commit:
        """Find the commit that a tag, branch, hash or any other git revision names.

        Raises:
            InputError: there is no such commit here.
        """
        for full in (f"{TAGS}{name}", f"refs/heads/{name}", name):
            if full == name and not _may_be_revision(name):
                break
            found = self._maybe("rev-parse", "--verify", "--quiet", f"{full}^{{commit}}")
            if found:
                return self.commit(found.decode().strip())
        shallow = " The clone is shallow: git fetch --unshallow --tags." if self.is_shallow else ""
        raise InputError(
            "there is no such tag, branch or commit",
            where=f"{self._at}: {name}",
            hint=f"git -C {self._at} fetch --tags, or see git tag and git log.{shallow}",
        )

    def commit(self, full_hash: str) -> Commit:
        """Look a commit up by its full hash."""
        seconds = self._said("log", "-1", "--no-show-signature", "--format=%ct", full_hash, "--")
        try:
            return Commit(full_hash, datetime.fromtimestamp(int(seconds), UTC))
        except (ValueError, OverflowError, OSError) as error:
            what = f"the commit has a time that no calendar has: {seconds.strip()} s after 1970"
            raise GitError(what, where=full_hash[:REV_DIGITS], hint="Pack another.") from error

    def tags_before(self, commit: Commit) -> list[str]:
        """List the tags on a commit and on all before it, as far as the clone goes."""
        listed = self._said(
            "for-each-ref", "--format=%(refname)", f"--merged={commit.hash}", "refs/tags"
        )
        return [line.removeprefix(TAGS) for line in listed.split("\n")[:-1]]

    def read_file(self, commit: Commit, path: str) -> bytes | None:
        """Read a file of a commit; None where there is none.

        Raises:
            GitError: the commit has it, but the clone does not.
        """
        found = self._git(["cat-file", "blob", f"{commit.hash}:{path}"])
        if not found.returncode:
            return found.stdout
        if any(sign in found.stderr for sign in _LACKS) and self._names_file(commit, path):
            raise self._refusal(found.stderr)
        return None

    def _names_file(self, commit: Commit, path: str) -> bool:
        """Whether a commit has a file of this name, be its content there or not."""
        listed = self._run("--literal-pathspecs", "ls-tree", "--full-tree", commit.hash, "--", path)
        return b" blob " in listed

    def modules(self, commit: Commit) -> list[str]:
        """List the folders of a commit that hold a go.mod; the root is an empty text."""
        listed = self._run("ls-tree", "-r", "-z", "--name-only", "--full-tree", commit.hash)
        paths = (os.fsdecode(path) for path in listed.split(b"\0"))
        return [p[: -len("go.mod")].rstrip("/") for p in paths if f"/{p}".endswith("/go.mod")]

    def files(self, commit: Commit) -> list[CommittedFile] | None:
        """List what a commit has in the given folder, submodules left aside; None if it has none.

        Raises:
            GitError: the clone lacks the commit's trees.
        """
        folder = f"{commit.hash}:{self.folder}"
        if self._maybe("cat-file", "-e", folder) is None:
            return None
        found = []
        for line in self._run("ls-tree", "-r", "-z", "--full-tree", folder).split(b"\0")[:-1]:
            facts, _, path = line.partition(b"\t")
            mode, kind, blob = facts.split(b" ")
            if kind == b"blob":
                what = FileKind.SYMLINK if mode == b"120000" else FileKind.FILE
                found.append(CommittedFile(os.fsdecode(path), what, blob.decode()))
        return found

    def root_license(self, commit: Commit) -> CommittedFile | None:
        """Tell the LICENSE of a commit's root, which goes into a folder's zip that has none."""
        options = ("--literal-pathspecs", "ls-tree", "-z", "--full-tree")
        listed = self._run(*options, commit.hash, "--", _LICENSE)
        kind, blob = listed.partition(b"\t")[0].split(b" ")[1:] if listed else (b"", b"")
        return CommittedFile(_LICENSE, FileKind.FILE, blob.decode()) if kind == b"blob" else None

    def is_dirty(self) -> bool:
        """Whether the folder has changes or files that no commit has, as `git status` sees it."""
        options = ("--porcelain", "--ignore-submodules=dirty")
        done = self._git(["status", *options, "--", "."], env=self._without_own_filters())
        if done.returncode:
            raise self._refusal(done.stderr)
        return bool(done.stdout.strip())

    def _without_own_filters(self) -> dict[str, str]:
        """Give an environment that switches off the filters that the repository itself sets up.

        A foreign repository's settings are no reason to run a program; the user's own are.
        """
        names = self._maybe("config", "--show-scope", "-z", "--name-only", "--get-regexp", _FILTERS)
        texts = (names or b"").split(b"\0")
        own = {
            os.fsdecode(name).rpartition(".")[0]
            for scope, name in zip(texts[::2], texts[1::2], strict=False)
            if scope in {b"local", b"worktree"}
        }
        env = _environment()
        given = env.get("GIT_CONFIG_COUNT", "")
        count = int(given) if given.isdecimal() else 0
        for each in sorted(own):
            for key in ("clean", "smudge", "process", "required"):
                env[f"GIT_CONFIG_KEY_{count}"] = f"{each}.{key}"
                env[f"GIT_CONFIG_VALUE_{count}"] = "false" if key == "required" else ""
                count += 1
        return env | {"GIT_CONFIG_COUNT": str(count)}

    def url(self) -> str:
        """The remote's URL without credentials; empty if there is no remote named origin."""
        found = self._maybe("config", "--get", "remote.origin.url")
        return _without_credentials(found.decode().strip()) if found else ""

    @contextmanager
    def tree(self, commit: Commit, folder: str) -> "Iterator[GitTree]":
        """Give the files of a commit's folder, on the disk only as long as this is open.

        Raises:
            GitError: git cannot give them.
            StoreError: there is no room for them.
        """
        with TemporaryDirectory(prefix="gopack-git-") as scratch:
            spooled = Path(scratch) / "files.tar"
            self._archive(commit, folder, self._borrowing(Path(scratch) / "git"), spooled)
            license_text = self.read_file(commit, _LICENSE) if folder else None
            with disk_errors("read what git archived", spooled), spooled.open("rb") as tar:
                yield GitTree(tar, folder, license_text)

    def _borrowing(self, place: Path) -> Path:
        """Make a bare repository without refs or settings that has this one's objects."""
        with disk_errors("make a repository for git archive", place):
            (place / "objects" / "info").mkdir(parents=True)
            (place / "refs").mkdir()
            (place / "info").mkdir()
            (place / "HEAD").write_text("ref: refs/heads/none\n")
            version = 0 if self.hash_algorithm == "sha1" else 1
            settings = f"[core]\n\trepositoryformatversion = {version}\n\tbare = true\n"
            if version:
                settings += f"[extensions]\n\tobjectformat = {self.hash_algorithm}\n"
            (place / "config").write_text(settings)
            alternates = _quoted(os.fsencode(self._common / "objects")) + b"\n"
            (place / "objects" / "info" / "alternates").write_bytes(alternates)
            (place / "info" / "attributes").write_text("* -export-subst -export-ignore\n")
        return place

    def _archive(self, commit: Commit, folder: str, repository: Path, target: Path) -> None:
        command = [
            "git", f"--git-dir={repository}", "--literal-pathspecs",
            "-c", "core.autocrlf=input", "-c", "core.eol=lf", "-c", "core.attributesFile=/dev/null",
            "archive", "--format=tar", commit.hash, *(["--", folder] if folder else []),
        ]  # fmt: skip
        alone = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null"}
        env = _environment() | alone | {"GIT_ATTR_NOSYSTEM": "1"}
        with disk_errors("write what git archives", target), target.open("wb") as file:
            done = subprocess.run(
                command, stdout=file, stderr=subprocess.PIPE, env=env, check=False
            )
        if done.returncode and shutil.disk_usage(target.parent).free < 1 << 20:
            raise StoreError("no room for what git archives", where=str(target.parent))
        if done.returncode:
            raise self._refusal(done.stderr)

    def _said(self, *args: str) -> str:
        return os.fsdecode(self._run(*args))

    def _run(self, *args: str) -> bytes:
        """Run git.

        Raises:
            GitError: it failed; the text is git's.
        """
        done = self._git(args)
        if done.returncode:
            raise self._refusal(done.stderr)
        return done.stdout

    def _maybe(self, *args: str) -> bytes | None:
        """Run git; None where it fails."""
        done = self._git(args)
        return None if done.returncode else done.stdout

    def _git(
        self, args: Sequence[str], *, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        command = ["git", "-C", os.fspath(self._at), "-c", "core.fsmonitor=false", *args]
        env = _environment() if env is None else env
        try:
            return subprocess.run(command, capture_output=True, env=env, check=False)
        except FileNotFoundError as error:
            hint = "Install git. Without it a folder can be packed, and its info names no commit."
            kind = GitError if _shows_git(self._at) else NoRepositoryError
            raise kind("there is no git on the PATH", hint=hint) from error

    def _refusal(self, stderr: bytes) -> GitError:
        if self._is_partial and any(sign in stderr for sign in _LACKS):
            return GitError(
                "the clone is partial and has not all files of what is to be packed",
                where=str(self._at),
                hint=f"git -C {self._at} fetch --refetch --no-filter, or clone without --filter.",
            )
        return _refusal(self._at, stderr)


class GitTree:
    """The files of a commit's folder, read from an archive of it."""

    def __init__(self, tar: BinaryIO, folder: str, root_license: bytes | None) -> None:
        self._tar = tar
        self._places: dict[str, tuple[int, int]] = {}
        self._texts: dict[str, bytes] = {}
        self._files: list[SourceFile] = []
        prefix = f"{folder}/" if folder else ""
        for member in _members(tar):
            if member.isdir() or not member.name.startswith(prefix):
                continue
            self._add(member.name.removeprefix(prefix), member)
        if root_license is not None and _LICENSE not in {f.path for f in self._files}:
            self._texts[_LICENSE] = root_license
            self._files.append(SourceFile(_LICENSE, len(root_license)))

    def _add(self, path: str, member: tarfile.TarInfo) -> None:
        kind = FileKind.SYMLINK if member.issym() else FileKind.FILE
        if not member.isreg():
            kind = kind if member.issym() else FileKind.OTHER
        self._places[path] = (member.offset_data, member.size)
        self._files.append(SourceFile(path, member.size, kind))

    def go_mod(self) -> bytes | None:
        """Read go.mod as it is packed; None where there is none."""
        if "go.mod" not in self._places:
            return None
        with self.open("go.mod") as file:
            return file.read()

    def listing(self, *, new_vendor_rule: bool) -> Listing:  # noqa: ARG002 - the rules see all files
        """List every file; the rules leave out what does not belong into a zip."""
        return Listing(self._files)

    def open(self, path: str) -> BinaryIO:
        """Open a listed file."""
        if path in self._texts:
            return io.BytesIO(self._texts[path])
        return io.BufferedReader(_Window(self._tar.fileno(), *self._places[path]))


class _Window(io.RawIOBase):
    """A part of a file, read without moving the file's own place: for several threads."""

    def __init__(self, descriptor: int, start: int, size: int) -> None:
        self._descriptor = descriptor
        self._at = start
        self._end = start + size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        data = os.pread(self._descriptor, min(len(buffer), self._end - self._at), self._at)
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


def _members(tar: BinaryIO) -> Iterator[tarfile.TarInfo]:
    """Read an archive's entries.

    Raises:
        GitError: it is none, or breaks off.
    """
    try:
        with tarfile.open(
            fileobj=tar, mode="r:", encoding="utf-8", errors="surrogateescape"
        ) as archive:
            for member in archive:
                archive.members = []  # type: ignore[attr-defined]  # it would keep them all
                yield member
    except tarfile.TarError as error:
        raise GitError(f"git archive gave what cannot be read: {error}") from error


def _shows_git(folder: Path) -> bool:
    """Whether a folder lies below a `.git`, as far as that can be told without git."""
    at = folder.absolute()
    return any(os.path.lexists(each / ".git") for each in (at, *at.parents))


def _may_be_revision(name: str) -> bool:
    """Whether a name may go to git as it is: no option, and no hash too short to be meant."""
    is_short_hash = set(name) <= _HEX and len(name) < MIN_HASH_DIGITS
    return bool(name) and not name.startswith("-") and not is_short_hash


def _environment() -> dict[str, str]:
    """The environment without what points git elsewhere (a hook's, say), and without dialogues."""
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith("GIT_") or key.startswith(("GIT_CONFIG", "GIT_CEILING"))
    }
    return kept | {
        "LC_ALL": "C",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_ALLOW_PROTOCOL": "none",  # for a git that is older than the line above
    }


def _quoted(path: bytes) -> bytes:
    """Give a path as git reads it in a list with a line each."""
    escaped = path.replace(b"\\", rb"\\").replace(b'"', rb"\"").replace(b"\n", rb"\n")
    return b'"' + escaped + b'"'


def _without_credentials(url: str) -> str:
    """Leave out of a URL what may be a secret; an empty text where it cannot be read.

    >>> _without_credentials("https://user:token@git.example/lib?private_token=secret")
    'https://git.example/lib'
    """
    if "://" not in url:
        return url
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="")
    return urlunsplit(bare)


def _refusal(folder: Path, stderr: bytes) -> GitError:
    text = stderr.decode(errors="replace").strip()
    last = text.splitlines()[-1] if text else "git failed"
    kind, hint = GitError, ""
    if "not a git repository" in text:
        # Otherwise it is a .git file that leads nowhere.
        kind = NoRepositoryError if "not a git repository (or any" in text else GitError
        hint = "Give a folder in a git repository with --source, or pack without --git."
    elif any(sign in stderr for sign in _LACKS):
        hint = f"The repository is damaged: git -C {folder} fsck."
    elif "dubious ownership" in text:
        hint = (
            f"The repository is another user's: git config --global --add safe.directory {folder}"
        )
    return kind(f"git: {last.removeprefix('fatal: ')}", where=str(folder), hint=hint)
