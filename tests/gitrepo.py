"""Git repositories for tests, made commit by commit on this disk."""

import os
import subprocess
from pathlib import Path

ENV = {
    **{key: value for key, value in os.environ.items() if not key.startswith("GIT_")},
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_AUTHOR_NAME": "T",
    "GIT_AUTHOR_EMAIL": "t@example.com",
    "GIT_COMMITTER_NAME": "T",
    "GIT_COMMITTER_EMAIL": "t@example.com",
}
FIRST_COMMIT_S = 1_700_000_000


class GitRepo:
    """A repository whose commits are an hour apart, in a zone that is not UTC."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        self._commits = 0
        self.git("init", "-q", "-b", "main", *options)

    def git(self, *arguments: str) -> str:
        time = f"{FIRST_COMMIT_S + 3600 * self._commits} +0530"
        env = {**ENV, "GIT_AUTHOR_DATE": time, "GIT_COMMITTER_DATE": time}
        command = ["git", "-C", str(self.folder), *arguments]
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=env)
        return done.stdout.strip()

    def put(self, files: dict[str, str | bytes | None]) -> None:
        """Write files by path; None deletes one."""
        for name, text in files.items():
            path = self.folder / name
            if text is None:
                path.unlink()
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode() if isinstance(text, str) else text)

    def commit(self, files: dict[str, str | bytes | None], *tags: str) -> str:
        """Commit files and tag the commit, `@tag` with a tag object; gives its hash."""
        self.put(files)
        self._commits += 1
        self.git("add", "-A", "-f")
        self.git("commit", "-q", "--allow-empty", "-m", f"commit {self._commits}")
        for tag in tags:
            self.git("tag", *(["-a", "-m", "a tag", tag[1:]] if tag.startswith("@") else [tag]))
        return self.git("rev-parse", "HEAD")
