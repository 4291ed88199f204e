"""Kernels for JupyterLab that start as forks of a pre-imported server."""

import json
import os
import subprocess
import sys

import psutil
import pytest

from catchment.run.build.warm_kernel import JUPYTER_PATH

SCRIPT = """
import json, os, signal, sys, time
from jupyter_client.manager import KernelManager
from multiprocessing.forkserver import _forkserver

def ask(client, code):
    found = []
    reply = client.execute_interactive(code, timeout=60, output_hook=lambda m: found.append(m["content"].get("text", "")))
    return reply["content"]["status"], "".join(found).strip()

told = {}
manager = KernelManager(kernel_name="python3")
manager.start_kernel()
told["provisioner"] = type(manager.provisioner).__name__
client = manager.client(); client.start_channels(); client.wait_for_ready(timeout=60)
told["result"] = ask(client, "import sys; print('pandas' in sys.modules, 'catchment.page' in sys.modules)")
told["parent"] = ask(client, "import os; print(os.getppid())")[1] == str(_forkserver._forkserver_pid)
request = client.execute("import time; print('begun', flush=True); time.sleep(600)", stop_on_error=False)
while "begun" not in client.get_iopub_msg(timeout=60)["content"].get("text", ""):
    pass
manager.interrupt_kernel()
while (reply := client.get_shell_msg(timeout=60))["parent_header"]["msg_id"] != request:
    pass
told["interrupted"] = reply["content"]["ename"]
told["after interrupt"] = ask(client, "print('alive')")
manager.restart_kernel(now=True); client.wait_for_ready(timeout=60)
told["restarted"] = ask(client, "print('again')")
os.kill(_forkserver._forkserver_pid, signal.SIGKILL)
manager.restart_kernel(now=True); client.wait_for_ready(timeout=60)
told["after the server died"] = ask(client, "print('still')")
pid = manager.provisioner.pid
client.stop_channels(); manager.shutdown_kernel()
told["gone"] = manager.has_kernel
print(json.dumps(told))
"""


@pytest.mark.slow
def test_a_warm_kernel_starts_answers_is_interrupted_restarted_and_ends():
    environment = {**os.environ, "JUPYTER_PATH": str(JUPYTER_PATH)}
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, env=environment, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "provisioner": "WarmProvisioner",
        "result": ["ok", "True True"],
        "parent": True,
        "interrupted": "KeyboardInterrupt",
        "after interrupt": ["ok", "alive"],
        "restarted": ["ok", "again"],
        "after the server died": ["ok", "still"],
        "gone": False,
    }


@pytest.mark.slow
def test_a_jupyter_server_that_ends_takes_its_kernels_along():
    script = SCRIPT[: SCRIPT.index('told["result"]')] + "print(manager.provisioner.pid); raise SystemExit(3)"
    environment = {**os.environ, "JUPYTER_PATH": str(JUPYTER_PATH)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, timeout=120, check=False)
    assert done.returncode == 3, done.stderr
    kernel = int(done.stdout.splitlines()[-1])
    assert not psutil.pid_exists(kernel) or psutil.Process(kernel).status() == psutil.STATUS_ZOMBIE


def test_the_kernel_specification_names_the_provisioner():
    spec = json.loads((JUPYTER_PATH / "kernels" / "python3" / "kernel.json").read_text())
    assert spec["metadata"]["kernel_provisioner"]["provisioner_name"] == "catchment-warm"
    from importlib.metadata import entry_points

    [found] = entry_points(group="jupyter_client.kernel_provisioners", name="catchment-warm")
    assert found.load().__name__ == "WarmProvisioner"
