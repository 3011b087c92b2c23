"""A module source in memory, for the tests of flows."""

from collections.abc import Mapping

from gopack.errors import NotFoundError
from gopack.ports import ZipTarget
from gopack.spec import goproxy
from gopack.spec.goproxy import Request
from gopack.spec.module import ModuleVersion


class FakeSource:
    """Answers from a mapping of proxy paths (`example.com/a/@v/list`) to bodies."""

    def __init__(self, files: Mapping[str, bytes], name: str = "fake") -> None:
        self.files = dict(files)
        self.asked: list[str] = []
        self._name = name

    @property
    def name(self) -> str:
        return self._name

    def read(self, request: Request) -> bytes:
        return self._find(goproxy.path_of(request), goproxy.name_of(request))

    def zip_size(self, module: ModuleVersion) -> int | None:
        return len(self._find(goproxy.zip_path_of(module), str(module)))

    def copy_zip(self, module: ModuleVersion, target: ZipTarget) -> int:
        return target.write(self._find(goproxy.zip_path_of(module), str(module)))

    def _find(self, path: str, where: str) -> bytes:
        self.asked.append(path)
        if path not in self.files:
            raise NotFoundError(f"no such file: {path}", where=where)
        return self.files[path]
