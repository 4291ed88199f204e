"""Running a notebook's cells in this process, with the outputs an ordinary Jupyter kernel would give.

IPython's shell executes the cells; what a kernel sends over its sockets (displays, display updates, results, streams,
errors) is written straight into the notebook. Text that subprocesses and C libraries write to the file descriptors is
caught as well. `input()` is refused as a kernel without a front end refuses it.

Known differences from a kernel: the user's own IPython profile and start-up files are not read (pages must not depend
on who runs them), and widget state is not stored (a page has no script that could use it).
"""

import asyncio
import builtins
import contextlib
import getpass
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any as Anything

from ipykernel.compiler import XCachingCompiler
from ipykernel.jsonutil import encode_images, json_clean
from IPython.core.display_trap import DisplayTrap
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.error import StdinNotImplementedError
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.profiledir import ProfileDir
from nbformat import NotebookNode
from nbformat.v4 import new_output
from traitlets import Any
from traitlets.config import Config

from .witness import KERNELS


class CellTimeout(BaseException):
    """A cell ran longer than it may. Not an Exception, so that a cell's own handlers do not swallow it."""


class Outputs:
    """The outputs of the cell being run, and where every display id was shown."""

    def __init__(self) -> None:
        self.current: list[NotebookNode] = []
        self.displays: dict[str, list[NotebookNode]] = {}
        self.clear_next = False
        self.drain: Callable[[], None] = _nothing

    def start(self) -> list[NotebookNode]:
        self.current, self.clear_next = [], False
        return self.current

    def add(self, output: NotebookNode, display_id: str | None = None) -> None:
        self.drain()
        self._clear_if_due()
        self.current.append(output)
        if display_id is not None:
            self.displays.setdefault(display_id, []).append(output)

    def text(self, name: str, text: str) -> None:
        self._clear_if_due()
        last = self.current[-1] if self.current else None
        if last is not None and last.output_type == "stream" and last.name == name:
            last.text += text
        else:
            self.current.append(new_output("stream", name=name, text=text))

    def update(self, display_id: str, data: dict, metadata: dict) -> None:
        for output in self.displays.get(display_id, []):
            output.data, output.metadata = data, metadata

    def clear(self, wait: bool) -> None:
        self.drain()
        if wait:
            self.clear_next = True
        else:
            self.current.clear()

    def _clear_if_due(self) -> None:
        if self.clear_next:
            self.current.clear()
            self.clear_next = False


class Stream:
    """A text stream that appends to the current cell's outputs, after whatever reached the descriptor before."""

    encoding, errors, closed = "UTF-8", "strict", False

    def __init__(self, name: str, outputs: Outputs, descriptor: int):
        self.name, self.outputs, self.descriptor = name, outputs, descriptor

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text)}")
        if text:
            self.outputs.drain()
            self.outputs.text(self.name, text)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        self.outputs.drain()

    def fileno(self) -> int:
        return self.descriptor

    def isatty(self) -> bool:
        return False

    def readable(self) -> bool:
        return False

    def writable(self) -> bool:
        return True


class Descriptors:
    """File descriptors 1 and 2 redirected into files, read back piece by piece.

    Files rather than pipes: nothing blocks when a subprocess writes much, no thread is needed, and the text outlives a
    process that dies.
    """

    def __init__(self, outputs: Outputs, folder: str | Path):
        self.outputs = outputs
        self.saved: dict[str, int] = {}
        self.files: dict[str, int] = {}
        self.offsets: dict[str, int] = {}
        for name, descriptor in (("stdout", 1), ("stderr", 2)):
            self.saved[name] = os.dup(descriptor)
            path = Path(folder, f"{name}.log")
            self.files[name] = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            self.offsets[name] = os.fstat(self.files[name]).st_size
            os.dup2(self.files[name], descriptor)
        outputs.drain = self.drain

    def drain(self) -> None:
        for name, file in self.files.items():
            size = os.fstat(file).st_size - self.offsets[name]
            if size > 0:
                data = os.pread(file, size, self.offsets[name])
                self.offsets[name] += len(data)
                self.outputs.text(name, data.decode("utf-8", "replace"))

    def restore(self) -> None:
        self.drain()
        self.outputs.drain = _nothing
        for name, descriptor in (("stdout", 1), ("stderr", 2)):
            os.dup2(self.saved[name], descriptor)
            os.close(self.saved[name])
            os.close(self.files[name])


class Publisher(DisplayPublisher):
    outputs = Any()

    def publish(
        self,
        data: dict,
        metadata: dict | None = None,
        source: object = None,
        *,
        transient: dict | None = None,
        update: bool = False,
        **kwargs: Anything,
    ) -> None:
        data, metadata = json_clean(encode_images(data)), json_clean(metadata or {})
        display_id = (transient or {}).get("display_id")
        if display_id is not None:
            self.outputs.update(display_id, data, metadata)
        if not update:
            self.outputs.add(new_output("display_data", data=data, metadata=metadata), display_id)

    def clear_output(self, wait: bool = False) -> None:
        self.outputs.clear(wait)


class ResultHook(DisplayHook):
    outputs = Any()

    def write_output_prompt(self) -> None:
        """A kernel numbers the result instead of printing a prompt."""

    def write_format_data(self, format_dict: dict, md_dict: dict | None = None) -> None:
        data, metadata = json_clean(encode_images(format_dict)), json_clean(md_dict or {})
        self.outputs.add(new_output("execute_result", data=data, metadata=metadata, execution_count=self.prompt_count))

    def finish_displayhook(self) -> None:
        self._is_active = False


class Shell(InteractiveShell):
    """IPython's shell with a notebook's cells as its display."""

    outputs = Any()
    compiler_class = XCachingCompiler  # names a cell's code in messages as a kernel does

    def init_environment(self) -> None:
        os.environ.update(KERNELS)

    def init_display_pub(self) -> None:
        self.display_pub = Publisher(outputs=self.outputs, parent=self, shell=self)

    def init_displayhook(self) -> None:
        self.displayhook = ResultHook(outputs=self.outputs, parent=self, shell=self)
        self.display_trap = DisplayTrap(hook=self.displayhook)

    def init_hooks(self) -> None:
        super().init_hooks()
        self.set_hook("show_in_pager", lambda *args, **kwargs: None, 99)

    def enable_gui(self, gui: object = None) -> None:
        """There is no event loop of a window system."""

    def _showtraceback(self, etype: type[BaseException], evalue: BaseException, stb: list[str]) -> None:
        error = new_output("error", ename=etype.__name__, evalue=str(evalue), traceback=list(stb))
        error.update(json_clean(dict(error)))
        self.outputs.add(error)


def _nothing() -> None:
    """What `drain` does while nothing is redirected."""


def no_input(prompt: object = "") -> str:
    raise StdinNotImplementedError("raw_input was called, but this frontend does not support input requests.")


def no_password(prompt: str = "Password: ", stream: object = None) -> str:
    raise StdinNotImplementedError("getpass was called, but this frontend does not support input requests.")


def shell(outputs: Outputs, folder: str | Path) -> Shell:
    """A fresh shell that shows into `outputs`; `folder` receives the few files IPython keeps."""
    config = Config()
    config.HistoryManager.enabled = False
    config.IPKernelApp.catchment = True  # libraries look for this key to know that they run in a notebook
    profile = ProfileDir(location=str(Path(folder, "ipython")))
    instance = Shell.instance(config=config, outputs=outputs, profile_dir=profile, ipython_dir=str(folder))
    instance.user_ns["__name__"] = "__main__"
    instance.run_line_magic("matplotlib", "inline")
    return instance


@contextlib.contextmanager
def session(folder: str | Path | None = None) -> Iterator[tuple[Shell, Outputs]]:
    """A shell with its streams connected, as long as the context lasts; gives (shell, outputs)."""
    outputs = Outputs()
    saved = sys.stdout, sys.stderr, builtins.input, getpass.getpass, sys.displayhook
    main = sys.modules["__main__"]
    with tempfile.TemporaryDirectory(prefix="catchment-") as scratch:
        descriptors = Descriptors(outputs, folder or scratch)
        sys.stdout, sys.stderr = Stream("stdout", outputs, 1), Stream("stderr", outputs, 2)
        builtins.input, getpass.getpass = no_input, no_password
        try:
            yield shell(outputs, scratch), outputs
        finally:
            descriptors.restore()
            sys.stdout, sys.stderr, builtins.input, getpass.getpass, sys.displayhook = saved
            sys.modules["__main__"] = main
            Shell.clear_instance()


@contextlib.contextmanager
def deadline(seconds: float | None) -> Iterator[None]:
    """Raise CellTimeout in the main thread when the block takes longer; None is no limit."""
    if seconds is None:
        yield
        return

    def expire(number: int, frame: FrameType | None) -> None:
        raise CellTimeout(f"the cell ran longer than {seconds:g} s")

    previous = signal.signal(signal.SIGALRM, expire)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


async def execute(
    instance: Shell, outputs: Outputs, source: str, *, timeout_s: float | None = None
) -> tuple[list[NotebookNode], int, BaseException | None]:
    """Run one cell; gives (outputs, execution count, exception or None)."""
    shown = outputs.start()
    transformed = instance.transform_cell(source)
    with deadline(timeout_s):
        if instance.should_run_async(source, transformed_cell=transformed):
            result = await instance.run_cell_async(source, store_history=True, transformed_cell=transformed)
            instance.events.trigger("post_execute")
            instance.events.trigger("post_run_cell", result)
        else:
            result = instance.run_cell(source, store_history=True)
        await asyncio.sleep(0)
    outputs.drain()
    return shown, instance.execution_count - 1, result.error_before_exec or result.error_in_exec
