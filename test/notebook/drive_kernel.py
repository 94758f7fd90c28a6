"""Asks an installed kernel through jupyter_client, as a front end does, and prints its answers as JSON.

    python drive_kernel.py KERNEL_NAME FOLDER [CELL...]

With cells it runs these and prints a list; one that begins with "// stop" is interrupted at the third update of its display. Run by jupyter.test.ts, which holds the answers against what the protocol asks for
(https://jupyter-client.readthedocs.io/en/stable/messaging.html).
"""

import json
import sys
import time

from jupyter_client.manager import start_new_kernel

TIMEOUT_S = 60


def execute(client, code, interrupt=None, on_update=None):
    """Runs a cell; returns the reply's content and the iopub messages as [type, content] pairs.

    `interrupt` is called after a second, `on_update` at the third update of a display.
    """
    msg_id = client.execute(code)
    if interrupt:
        time.sleep(1)
        interrupt()
    outputs = []
    updates = 0
    while True:
        message = client.get_iopub_msg(timeout=TIMEOUT_S)
        if message["parent_header"].get("msg_id") != msg_id:
            continue
        content = message["content"]
        if message["msg_type"] == "update_display_data":
            updates += 1
            if on_update and updates == 3:
                on_update()
        if message["msg_type"] == "status":
            if content["execution_state"] == "idle":
                break
        else:
            outputs.append([message["msg_type"], content])
    while True:
        reply = client.get_shell_msg(timeout=TIMEOUT_S)
        if reply["parent_header"].get("msg_id") == msg_id:
            return {"reply": reply["content"], "outputs": outputs}


def run_cells(name, folder, cells):
    manager, client = start_new_kernel(kernel_name=name, cwd=folder)
    try:
        stop = manager.interrupt_kernel
        print(json.dumps([execute(client, cell, on_update=cell.startswith("// stop") and stop) for cell in cells]))
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def ask(name, folder):
    manager, client = start_new_kernel(kernel_name=name, cwd=folder)
    try:
        execute(client, "const answer: number = 42;")
        answers = {
            "value": execute(client, "answer + 1"),
            "error": execute(client, "throw new RangeError('too long');"),
            "diagnostic": execute(client, "const wrong: string = answer;"),
            "awaiting": execute(
                client, "await new Promise((done) => setTimeout(done, 60_000));", manager.interrupt_kernel
            ),
            "busy": execute(client, "while (true) {}", manager.interrupt_kernel),
            "after": execute(client, "answer"),
            "burst": execute(
                client,
                'import { display } from "tslab"; for (let i = 0; i < 3000; i++) display.text(String(i));',
            ),
            "complete": client.complete("Math.sq", reply=True, timeout=TIMEOUT_S)["content"],
            "inspect": client.inspect("answer", 3, reply=True, timeout=TIMEOUT_S)["content"],
            "info": client.kernel_info(reply=True, timeout=TIMEOUT_S)["content"],
        }
        # A busy kernel is restarted too, and nothing of it is left.
        client.execute("const left = 1; await new Promise((done) => setTimeout(done, 60_000));")
        manager.restart_kernel()
        client.wait_for_ready(timeout=TIMEOUT_S)
        answers["restarted"] = execute(client, "const fresh: string = answer;")
        # Neither a timer nor a failed cell's leftovers may keep the kernel alive.
        execute(client, "setInterval(() => {}, 1000); 0")
    finally:
        start = time.monotonic()
        client.stop_channels()
        manager.shutdown_kernel()
    answers["shutdown_s"] = time.monotonic() - start
    print(json.dumps(answers))


name, folder, *cells = sys.argv[1:]
run_cells(name, folder, cells) if cells else ask(name, folder)
