import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { loadRows, type Row } from "../../../src/record/index.js";
import { openCampaign } from "../../../src/run/campaign.js";
import { processStart } from "../../../src/run/process-start.js";
import { temporaryFolder } from "../../support/temporary.js";
import { bundle } from "./bundle.js";

const folder = temporaryFolder();
const silent = { onWarning: (): void => undefined };
const ROW: Row = { kind: "latency", model: "a", cell: "one", status: "ok", repeat: 0, ttft_ms: 1 };
const strict = {
  onWarning: (message: string): void => {
    throw new Error(message);
  },
};

suite("a cell whose sweep was killed", () => {
  const noted = (name: string, rowsDue: number, pid = 2 ** 22 + 1, pidStart: string | null = "5"): string => {
    const out = join(folder, name);
    mkdirSync(out);
    const { repeat, ttft_ms, status, ...row } = ROW;
    writeFileSync(
      join(out, "rows.jsonl"),
      `${JSON.stringify({ ...ROW, cell: "earlier" })}\n${JSON.stringify(ROW)}\n`,
    );
    writeFileSync(
      join(out, "in-flight.json"),
      JSON.stringify({ row, rowsBefore: 1, rowsDue, pid, pidStart }),
    );
    return out;
  };

  test("is a row once the campaign goes on, and one only", () => {
    const out = noted("lost", 3);
    for (const times of [1, 2]) {
      using campaign = openCampaign(out, true, silent);
      assert.equal(campaign.earlier.length, 3, `opened for the ${times}. time`);
      const { status, status_reason, cell, ttft_ms } = campaign.earlier[2]!;
      assert.deepEqual([status, cell, ttft_ms], ["interrupted", "one", undefined]);
      assert.equal(
        status_reason,
        "the sweep was killed, or its machine stopped, after 1 of 3 rows of this cell",
      );
    }
    assert.deepEqual(loadRows(out, strict).numRows(), 3);
    assert.deepEqual(readdirSync(out), ["rows.jsonl"]);
  });

  test("is none where all its rows were there", () => {
    using campaign = openCampaign(noted("whole", 1), true, silent);
    assert.equal(campaign.earlier.length, 2);
  });

  test("leaves no process that hangs", async () => {
    const orphan = spawn("sleep", ["60"]);
    await once(orphan, "spawn");
    const exit = once(orphan, "exit");
    using campaign = openCampaign(noted("orphan", 3, orphan.pid, processStart(orphan.pid!)), true, silent);
    assert.ok(campaign);
    assert.equal((await exit)[1], "SIGKILL");
  });
});

suite("a folder that cannot be written to is refused before anything runs", () => {
  test("one that cannot be made", () => {
    const file = join(folder, "a-file");
    writeFileSync(file, "");
    assert.throws(() => openCampaign(join(file, "out"), false), {
      name: "UserError",
      message: `${file}/out cannot be written to (ENOTDIR); choose another folder (--out)`,
    });
  });

  test("one that takes no file", () => {
    // Nobody may add to it, root included.
    assert.throws(() => openCampaign("/proc/self/fdinfo", false), {
      name: "UserError",
      message: /cannot be written to \(E\w+\)/,
    });
  });
});

suite("a disk that is full", () => {
  test("stops the sweep with a sentence, and its lock is given back", (t) => {
    if (!existsSync("/dev/full")) {
      t.skip("there is no /dev/full here");
      return;
    }
    const out = join(folder, "full");
    {
      using campaign = openCampaign(out, false, silent);
      symlinkSync("/dev/full", join(out, "rows.jsonl"));
      assert.throws(
        () => {
          campaign.add(ROW);
        },
        {
          name: "UserError",
          message: `${join(out, "rows.jsonl")} takes no more (ENOSPC); its 0 rows are whole: make room, and go on with --resume`,
        },
      );
    }
    assert.deepEqual(readdirSync(out), ["rows.jsonl"]);
  });

  test("leaves whole rows only, though the last one was written in part, and the campaign goes on", async () => {
    const script = await bundle(join(import.meta.dirname, "killed-process.ts"), folder);
    const out = join(folder, "limited");
    // The largest file is 200 KiB; a row is some 70 KiB.
    const { status, stderr } = spawnSync(
      "bash",
      ["-c", 'ulimit -f 200; exec "$0" "$@"', process.execPath, script, out],
      { encoding: "utf8" },
    );
    assert.equal(status, 1);
    assert.match(
      stderr,
      /UserError: .*rows\.jsonl takes no more \(EFBIG\); its (\d) rows are whole: make room, and go on with --resume/,
    );
    const rows = Number(/its (\d) rows/.exec(stderr)![1]);
    assert.ok(rows >= 1);
    assert.equal(loadRows(out, strict).numRows(), rows, "no cut line to warn of");
    assert.deepEqual(readdirSync(out), ["rows.jsonl"]);
    using campaign = openCampaign(out, true, strict);
    campaign.add(ROW);
    assert.equal(loadRows(out, strict).numRows(), rows + 1);
  });
});

test("two campaigns in one folder at a time are refused", () => {
  const out = join(folder, "twice");
  using campaign = openCampaign(out, false);
  assert.ok(campaign);
  assert.throws(() => openCampaign(out, true), {
    name: "UserError",
    message: /is already in use by this process/,
  });
});
