import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { findEnergySource } from "../../../src/sensors/energy/find-source.js";
import { temporaryFolder } from "../../support/temporary.js";

test("a sensor that has gone by the time it is to be sampled is a reason, not an error", async () => {
  const folder = temporaryFolder();
  const line = "RAM 1/2MB (lfb 1x4MB) CPU [1%@1] GR3D_FREQ 0% VDD_IN 4556mW/4556mW";
  const script = `#!/bin/sh\nrm "$0"\nwhile :; do echo "${line}"; sleep 0.02; done\n`;
  writeFileSync(join(folder, "tegrastats"), script, { mode: 0o755 });
  const path = process.env.PATH;
  process.env.PATH = `${folder}:${path}`;
  try {
    const found = await findEnergySource({ sensors: [{ source: "tegrastats", of: ["gpu", "cpu"] }] });
    await found.source?.close();
    assert.equal(found.source, null);
    assert.match(found.reason, /^tegrastats is not on this machine/);
  } finally {
    process.env.PATH = path;
  }
});
