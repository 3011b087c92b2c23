"""A git repository in memory, as packgit.Repository wants it: one commit after the other."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from gopack.errors import InputError
from gopack.plan.gitversion import TAGS, Commit, GitError

_FIRST = datetime(2024, 2, 29, 12, tzinfo=UTC)


class FakeRepository:
    """Commits on one line, an hour apart.

    `broken` says why git cannot give a commit, `unreadable` why not its files, by its hash.
    """

    def __init__(self) -> None:
        self.is_shallow = False
        self.remote = ""
        self.broken: dict[str, GitError] = {}
        self.unreadable: dict[str, GitError] = {}
        self._refs: dict[str, str] = {}
        self._commits: list[Commit] = []
        self._files: dict[str, Mapping[str, str]] = {}

    def add(self, files: Mapping[str, str], *tags: str, branch: str = "main") -> Commit:
        """Add a commit that has these files and no others."""
        number = len(self._commits)
        hashed = hashlib.sha1(str(number).encode(), usedforsecurity=False).hexdigest()
        commit = Commit(hashed, _FIRST + timedelta(hours=number))
        self._commits.append(commit)
        self._files[commit.hash] = files
        self._refs |= dict.fromkeys(["HEAD", f"refs/heads/{branch}"], commit.hash)
        self._refs |= {f"{TAGS}{tag}": commit.hash for tag in tags}
        return commit

    def refs(self) -> dict[str, str]:
        return dict(self._refs)

    def resolve(self, name: str) -> Commit:
        for full in (f"{TAGS}{name}", f"refs/heads/{name}", name):
            found = self._refs.get(full, full)
            if found in self._files:
                return self.commit(found)
        raise InputError("there is no such tag, branch or commit", where=name)

    def commit(self, full_hash: str) -> Commit:
        if full_hash in self.broken:
            raise self.broken[full_hash]
        (found,) = [commit for commit in self._commits if commit.hash == full_hash]
        return found

    def tags_before(self, commit: Commit) -> list[str]:
        before = {c.hash for c in self._commits[: self._commits.index(commit) + 1]}
        tags = [ref for ref in self._refs if ref.startswith(TAGS)]
        return [ref.removeprefix(TAGS) for ref in tags if self._refs[ref] in before]

    def read_file(self, commit: Commit, path: str) -> bytes | None:
        if commit.hash in self.unreadable:
            raise self.unreadable[commit.hash]
        text = self._files[commit.hash].get(path)
        return None if text is None else text.encode()

    def modules(self, commit: Commit) -> list[str]:
        paths = [path for path in self._files[commit.hash] if f"/{path}".endswith("/go.mod")]
        return [path.removesuffix("go.mod").rstrip("/") for path in paths]

    def url(self) -> str:
        return self.remote
