import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { firstMismatch } from "../../src/record/check.js";
import { gitCommit, machineFacts } from "../../src/record/machine.js";
import { temporaryFolder } from "./sample-rows.js";

test("the facts are columns of a row, and those of this process", () => {
  const facts = machineFacts();
  assert.equal(firstMismatch(facts), null);
  assert.equal(facts.node_version, process.version.slice(1));
  assert.equal(facts.host, os.hostname());
  assert.equal(facts.memory_bytes, os.totalmem());
  assert.ok(facts.cpu_count! >= 1);
  assert.match(facts.os!, /^\w+ \S+$/);
  const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
  assert.equal(facts.ssm_scope_version, version);
  assert.equal(machineFacts(), facts, "read once");
});

test("the commit is that of the checkout, with + once a tracked file has changed, else null", (t) => {
  const folder = temporaryFolder(t);
  const git = (...args: string[]): string =>
    execFileSync("git", ["-C", folder, "-c", "user.name=a", "-c", "user.email=a@b.c", ...args], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  assert.equal(gitCommit(folder), null, "not a checkout");
  git("init");
  assert.equal(gitCommit(folder), null, "no commit yet");
  writeFileSync(join(folder, "a"), "1");
  git("add", "a");
  git("commit", "-m", "first");
  const commit = git("rev-parse", "HEAD");
  assert.match(commit, /^[0-9a-f]{40,}$/);
  assert.equal(gitCommit(folder), commit);
  writeFileSync(join(folder, "rows.jsonl"), "{}\n");
  assert.equal(gitCommit(folder), commit, "an untracked file is no change");
  writeFileSync(join(folder, "a"), "2");
  assert.equal(gitCommit(folder), `${commit}+`);
  mkdirSync(join(folder, "node_modules"));
  assert.equal(gitCommit(join(folder, "node_modules")), null, "inside somebody else's checkout");
  assert.equal(gitCommit(join(folder, "nowhere")), null);
});
