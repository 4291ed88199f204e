"""A page as PDF, printed by headless Chromium: the engine that shows the page prints it, so both read the same.

The same page gives the same bytes: the browser's time stamps become the page's own. Links to the partner's other pages are
left out, for a PDF travels alone; those within the page stay.
"""

import os
import re
import shutil
import subprocess
import tempfile
from datetime import datetime
from pathlib import Path

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
TIMEOUT_S = 120
QUIET = (
    "--headless", "--disable-gpu", "--no-first-run", "--no-default-browser-check", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
    "--disable-quic", "--disable-extensions", "--disable-dev-shm-usage", "--no-pdf-header-footer", "--generate-pdf-document-outline",
)  # fmt: skip
STAMP = re.compile(rb"(/(?:CreationDate|ModDate) \(D:)(\d{14})")
PRODUCED = re.compile(rb'<dt>Produced</dt> <dd><time datetime="([^"]+)"')
AWAY = re.compile(rb'(<a\b[^>]*?) href="(?!#|https?:)[^"]*"')


class NoBrowser(OSError):
    """There is no browser to print with."""


def browser() -> str:
    """The browser that prints: $CATCHMENT_BROWSER, or the first that is installed."""
    named = os.environ.get("CATCHMENT_BROWSER")
    found = next(filter(None, map(shutil.which, [named] if named else BROWSERS)), None)
    if found is None:
        looked = f"CATCHMENT_BROWSER={named} is no program" if named else f"none of {', '.join(BROWSERS)} is installed"
        raise NoBrowser(f"a PDF needs Chromium or Chrome, and {looked}: apt-get install chromium, or name one in CATCHMENT_BROWSER")
    return found


def printed(html: bytes) -> bytes:
    """The PDF of a page.

    Raises
    ------
    NoBrowser
        No browser is installed.
    RuntimeError
        The browser did not print; its last words are told.
    """
    program = browser()
    with tempfile.TemporaryDirectory(prefix="catchment-pdf-") as folder:
        page, target = Path(folder, "page.html"), Path(folder, "page.pdf")
        page.write_bytes(AWAY.sub(rb"\1", html))
        # The sandbox cannot start for root, as in a container; the page holds no script and its policy allows none.
        sandbox = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        command = [program, *QUIET, *sandbox, f"--user-data-dir={folder}/profile", f"--print-to-pdf={target}", page.as_uri()]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False, preexec_fn=_unlimited if os.name == "posix" else None
        )
        if not target.exists():
            raise RuntimeError(f"{Path(program).name} printed nothing (exit {done.returncode}): {done.stderr[-500:].strip()}")
        return _dated(target.read_bytes(), html)


def _unlimited() -> None:
    """A page's limit on memory is for its own process: a browser reserves far more than it uses."""
    import resource

    resource.setrlimit(resource.RLIMIT_DATA, (resource.getrlimit(resource.RLIMIT_DATA)[1],) * 2)


def _dated(content: bytes, html: bytes) -> bytes:
    """The PDF with the page's time in place of the browser's; both are as long, so no offset in the file moves."""
    found = PRODUCED.search(html)
    stamp = datetime.fromisoformat(found[1].decode()).strftime("%Y%m%d%H%M%S") if found else "20000101000000"
    return STAMP.sub(lambda match: match[1] + stamp.encode(), content)
