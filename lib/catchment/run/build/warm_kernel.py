"""Jupyter kernels that start as forks of a pre-imported server: in JupyterLab a notebook's imports cost nothing.

A kernel provisioner (entry point `catchment-warm`) for the kernel specification in `jupyter/kernels/python3`, which
`catchment lab` puts first on Jupyter's path. The server is the standard library's fork server in the Jupyter server's
process; when it dies the next kernel starts another. Where processes cannot be forked the ordinary kernel starts instead.
"""

import atexit
import multiprocessing
import os
import signal
import sys
from multiprocessing.process import BaseProcess
from pathlib import Path
from subprocess import Popen
from typing import Any, cast

from jupyter_client.provisioning import LocalProvisioner

from .child import end_with_parent
from .pool import FORKS, STARTS, await_server_death, start_server

JUPYTER_PATH = Path(__file__).parent / "jupyter"
PRELOAD = ("ipykernel.kernelapp", "catchment.params", "catchment.data", "catchment.page")


def run_kernel(command: list[str], environment: dict[str, str], folder: str | None) -> None:
    """Become an IPython kernel; runs in the forked process."""
    os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    end_with_parent()
    os.environ.clear()
    os.environ.update(environment)
    if folder:
        os.chdir(folder)
    sys.argv = ["ipykernel_launcher", *command[command.index("-f") :]]
    from ipykernel.kernelapp import IPKernelApp

    IPKernelApp.launch_instance(sys.argv[1:])


class ForkedProcess:
    """What the provisioner needs of subprocess.Popen, over a multiprocessing.Process."""

    stdin = stdout = stderr = None

    def __init__(self, process: BaseProcess):
        self.process, self.pid = process, process.pid or 0

    def poll(self) -> int | None:
        return self.process.exitcode

    def wait(self) -> int | None:
        self.process.join()
        return self.process.exitcode

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        self.process.kill()

    def terminate(self) -> None:
        self.process.terminate()


def _forked(command: list[str], environment: dict[str, str], folder: str | None) -> BaseProcess:
    """A kernel's process; a server that dies under the request is replaced."""
    context, left = multiprocessing.get_context("forkserver"), STARTS
    while True:
        start_server(context, PRELOAD)
        process = context.Process(target=run_kernel, args=(command, environment, folder), name="kernel", daemon=False)
        try:
            process.start()
            return process
        except (OSError, EOFError):
            left -= 1
            if not left:
                raise
            await_server_death(context)


class WarmProvisioner(LocalProvisioner):
    """Starts kernels as forks of the pre-imported server."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        if not FORKS:
            self.log.warning("This platform cannot fork: an ordinary kernel is started, and its imports take their time.")
            return await super().launch_kernel(cmd, **kwargs)
        process = _forked(cmd, dict(kwargs.get("env") or os.environ), kwargs.get("cwd"))
        # A Jupyter server that ends without its kernels must not wait for them: multiprocessing would, for ever.
        atexit.register(process.kill)
        self.process = cast(Popen, ForkedProcess(process))
        self.pid = self.pgid = self.process.pid
        self.cwd = kwargs.get("cwd", Path.cwd())
        return self.connection_info
