"""An image that runs Athens: Athens itself from ATHENS_BIN, else the tests' stand-in for it."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from tests.e2e.container.engine import Engine
from tests.e2e.container.images import BaseImages

STAND_IN = """
import os, sys, threading
from pathlib import Path
import athens_layout
real = athens_layout.ThreadingHTTPServer
athens_layout.ThreadingHTTPServer = lambda _address, handler: real(("0.0.0.0", 3000), handler)
with athens_layout.serving(Path(os.environ["ATHENS_DISK_STORAGE_ROOT"])):
    threading.Event().wait()
"""


def build_athens(
    engine: Engine, bases: BaseImages, context: Path, *, name: str, settings: Mapping[str, str]
) -> None:
    """Build it under this name; `settings` are the image's own environment."""
    lines = [f"FROM {bases.go} AS go", f"FROM {bases.python}"]
    if binary := os.environ.get("ATHENS_BIN"):
        shutil.copy2(binary, context / "athens")
        lines += ["COPY --from=go /usr/local/go /usr/local/go", "ENV PATH=/usr/local/go/bin:$PATH"]
        lines += ["COPY athens /athens", 'CMD ["/athens"]']
    else:
        shutil.copy2(Path(__file__).parents[2] / "athens_layout.py", context)
        (context / "stand_in.py").write_text(STAND_IN)
        lines += ["COPY *.py /srv/", 'CMD ["python3", "/srv/stand_in.py"]']
    if settings:
        told = " ".join(f'{key}="{value}"' for key, value in settings.items())
        lines.append(f"ENV {told}")
    lines.append("EXPOSE 3000")
    (context / "Dockerfile").write_text("\n".join(lines) + "\n")
    engine.docker("build", "--tag", name, str(context), timeout_s=300)
