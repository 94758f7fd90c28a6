import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import { MACHINES, readElf, readSection } from "../../../src/ort/cuda/elf.js";
import { openRuntimeLibrary } from "../../../src/ort/library.js";
import { compile, needGcc } from "../../support/gcc.js";

const folder = mkdtempSync(join(tmpdir(), "ssm-scope-elf-"));
after(() => {
  rmSync(folder, { recursive: true });
});

/** What binutils reads of a file's dynamic section. */
function readelf(path: string): { needed: string[]; soname: string | null; runpath: string[] } {
  const text = execFileSync("readelf", ["-dW", path], {
    encoding: "utf8",
    env: { ...process.env, LC_ALL: "C" },
  });
  const values = (tag: string): string[] =>
    [...text.matchAll(new RegExp(`\\(${tag}\\).*\\[(.*)\\]`, "g"))].map((match) => match[1]!);
  return {
    needed: values("NEEDED"),
    soname: values("SONAME")[0] ?? null,
    runpath: values("RUNPATH").flatMap((value) => value.split(":")),
  };
}

suite("the dynamic section reads as binutils reads it", needGcc, () => {
  test("of libraries made here", () => {
    const first = compile(folder, "libfirst.so.7", "int one;", { soname: "libfirst.so.7" });
    const second = compile(folder, "libsecond.so", "int two;", { needs: [first], runpath: "$ORIGIN:/opt/x" });
    for (const path of [first, second]) {
      const { machine, ...elf } = readElf(path)!;
      assert.deepEqual(elf, readelf(path));
      assert.equal(machine, MACHINES[process.arch]);
    }
    assert.deepEqual(readElf(second)!.needed[0], "libfirst.so.7");
    assert.deepEqual(readElf(second)!.runpath, ["$ORIGIN", "/opt/x"]);
  });

  test("of ONNX Runtime's", { skip: process.platform !== "linux" }, () => {
    const { path } = openRuntimeLibrary();
    const { machine, ...elf } = readElf(path)!;
    assert.deepEqual(elf, readelf(path));
    assert.equal(machine, MACHINES[process.arch]);
  });

  test("constants are where objcopy finds them", () => {
    const path = compile(folder, "libconst.so", 'const char *text(void) { return "one of a kind"; }');
    const dump = join(folder, "rodata");
    execFileSync("objcopy", ["-O", "binary", "--only-section=.rodata", path, dump]);
    assert.deepEqual(readSection(path, ".rodata"), readFileSync(dump));
    assert.ok(readSection(path, ".rodata")!.includes("one of a kind\0"));
    assert.equal(readSection(path, ".nothing"), null);
  });

  test("a file that is cut off anywhere is none, and never an error", () => {
    const path = compile(folder, "libwhole.so", "int one;", { soname: "libwhole.so" });
    const whole = readFileSync(path);
    const cut = join(folder, "libcut.so");
    for (let length = 0; length < whole.length; length += 97) {
      writeFileSync(cut, whole.subarray(0, length));
      const elf = readElf(cut);
      assert.ok(elf === null || elf.soname === "libwhole.so", `cut at ${length}`);
      readSection(cut, ".rodata");
    }
  });
});

test("what is no ELF file of 64 bits is none", () => {
  const path = join(folder, "other");
  for (const content of [
    "",
    "GROUP ( libm.so.6 )",
    "\x7fELF\x01\x01".padEnd(64, "\0"),
    "\x7fELF\x02\x02".padEnd(64),
  ]) {
    writeFileSync(path, content, "latin1");
    assert.equal(readElf(path), null);
  }
  assert.equal(readElf(join(folder, "nowhere")), null);
  assert.equal(readElf(folder), null);
});
