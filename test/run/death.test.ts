import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { lastLines } from "../../src/run/cell-log.js";
import { deathStatus, type Death } from "../../src/run/death.js";
import { oomKills } from "../../src/run/oom-killer.js";

const KILLED: Death = {
  exitCode: null,
  signal: "SIGKILL",
  startError: null,
  samples: 3,
  log: "",
  oomKill: false,
  limit: null,
};

test("SIGKILL is out of memory only where the kernel counted it", () => {
  assert.deepEqual(deathStatus({ ...KILLED, oomKill: true }), {
    status: "oom",
    status_reason:
      "the process was killed by the kernel's OOM killer (SIGKILL) after 3 samples; it logged nothing",
  });
  assert.equal(deathStatus(KILLED).status, "failed");
  assert.equal(deathStatus({ ...KILLED, signal: "SIGSEGV", oomKill: true }).status, "failed");
  assert.match(deathStatus(KILLED).status_reason, /SIGKILL, not by the kernel's OOM killer,/);
  const untold = deathStatus({ ...KILLED, oomKill: null });
  assert.equal(untold.status, "failed");
  assert.match(untold.status_reason, /SIGKILL, likely by the kernel's OOM killer,/);
});

test("a process that cannot be started is a failure with the system's words", () => {
  const startError = "spawn /usr/bin/node ENOENT";
  assert.deepEqual(deathStatus({ ...KILLED, signal: null, samples: 0, startError }), {
    status: "failed",
    status_reason: "the process could not be started: spawn /usr/bin/node ENOENT",
  });
});

test("the last lines of a log are one line: no escape sequences, no stack frames, a bounded length", () => {
  assert.equal(lastLines(""), "");
  assert.equal(lastLines("\n \r\n"), "");
  assert.equal(lastLines("one\ntwo\r\nthree\n\n\x1b[31mfour\x1b[m\t!\x07\n"), "two | three | four !");
  const error = new Error("broken");
  assert.equal(
    lastLines(`file.js:3\n    ^\n\n${error.stack}\n\nNode.js v20.20.2\n`),
    "file.js:3 | ^ | Error: broken",
  );
  const long = lastLines(`${"x".repeat(10_000)}\nthe end`);
  assert.equal(long.length, 500);
  assert.match(long, /^…x+ \| the end$/);
});

test("OOM kills are read where the kernel counts them, the closest count first", () => {
  const machine = { "/proc/vmstat": "pgfault 12345\noom_kill 7\npswpin 0\n" };
  const cases: [Record<string, string>, number | null][] = [
    [{}, null],
    [machine, 7],
    // Docker, cgroup 2: the container's group is the top of its own tree.
    [
      {
        ...machine,
        "/proc/self/cgroup": "0::/\n",
        "/sys/fs/cgroup/memory.events": "low 0\nhigh 0\nmax 51\noom 2\noom_kill 2\noom_group_kill 1\n",
      },
      2,
    ],
    // systemd, cgroup 2; the root group has no such file.
    [
      {
        ...machine,
        "/proc/self/cgroup": "0::/user.slice/user-1000.slice/session-2.scope\n",
        "/sys/fs/cgroup/user.slice/user-1000.slice/session-2.scope/memory.events": "oom 1\noom_kill 1\n",
      },
      1,
    ],
    [{ ...machine, "/proc/self/cgroup": "0::/init.scope\n" }, 7],
    // cgroup 1 beside 2.
    [
      {
        ...machine,
        "/proc/self/cgroup": "12:cpu,cpuacct:/a\n9:memory:/docker/abc\n0::/docker/abc\n",
        "/sys/fs/cgroup/memory/docker/abc/memory.oom_control":
          "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n",
      },
      3,
    ],
  ];
  for (const [files, count] of cases)
    assert.equal(
      oomKills((path) => files[path] ?? null),
      count,
    );
  const counted = existsSync("/proc/vmstat") && /^oom_kill \d/m.test(readFileSync("/proc/vmstat", "utf8"));
  assert.equal(Number.isSafeInteger(oomKills()), counted, "the count of this machine");
});
