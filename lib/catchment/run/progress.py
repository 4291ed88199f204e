"""What a person sees while pages are built: a bar on a terminal, a line for each page elsewhere."""

import sys
import threading

from tqdm import tqdm

from .build.job import Built


class Progress:
    """Counts pages and names the partner and notebook at work, with the time elapsed."""

    def __init__(self, pages: int):
        self.active: dict[str, int | None] = {}
        self._lock = threading.Lock()
        form = "{n_fmt}/{total_fmt} pages |{bar:24}| {elapsed} {desc}"
        self.bar = tqdm(total=pages, bar_format=form, file=sys.stderr, disable=not sys.stderr.isatty(), leave=False)

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *exception: object) -> None:
        self.bar.close()

    def at(self, page: str, cell: int | None) -> None:
        with self._lock:
            self.active[page] = cell
            self._show()

    def skip(self) -> None:
        """A page turned out to be up to date."""
        with self._lock:
            self.bar.update()

    def done(self, built: Built) -> None:
        partner, notebook = built.page.split("/")
        state = f"failed: {built.failure}" if built.failure else "ok"
        with self._lock:
            self.active.pop(built.page, None)
            self.bar.update()
            self._show()
            if built.failure or self.bar.disable:
                self.bar.write(f"{partner:<14} {notebook:<24} {built.wall_s:6.1f} s  {state}", file=sys.stderr)

    def _show(self) -> None:
        names = [page.replace("/", " · ") + (f" cell {cell}" if cell else "") for page, cell in self.active.items()]
        self.bar.set_description_str(", ".join(names), refresh=True)
