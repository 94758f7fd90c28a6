import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { before, test } from "node:test";
import { expandPlan } from "../src/run/index.js";
import { ensureDist } from "./support/dist.js";

const README = readFileSync("README.md", "utf8");
const blocks = (language: string): string[] =>
  [...README.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "gms"))].map((match) => match[1]!);
/** Inside the checkout, where `ssm-scope` resolves as it does for a reader. */
const FOLDER = "out/readme";

before(ensureDist);

test("the quick start is the two commands", () => {
  assert.match(blocks("")[0]!, /^npm ci && npm start .*\nnpm test /);
});

for (const [i, code] of blocks("ts").entries())
  test(`TypeScript block ${i + 1} runs and prints`, () => {
    mkdirSync(FOLDER, { recursive: true });
    const file = `${FOLDER}/block-${i + 1}.mts`;
    writeFileSync(file, code);
    try {
      const printed = execFileSync(process.execPath, ["--import", "tsx", file], {
        encoding: "utf8",
        stdio: "pipe",
      });
      assert.ok(printed.trim().length > 20, printed);
    } finally {
      rmSync(file);
    }
  });

test("its plan, with its overrides, expands to cells", () => {
  const [plan] = blocks("json").map((block) => JSON.parse(block) as object);
  const [, overrides] = /`("overrides": .*?\} \})`/.exec(README)!;
  const { cells } = expandPlan({ ...plan, ...(JSON.parse(`{${overrides}}`) as object) }, {}, () => false);
  assert.equal(cells.length, 7 * 3);
});

test("every command it names exists, with the options it gives", () => {
  const commands = blocks("").flatMap((block) =>
    [...block.matchAll(/npx ssm-scope ([^#\n]+)/g)].map((match) => match[1]!.trim()),
  );
  assert.ok(commands.length >= 6);
  for (const command of commands) {
    const words = command.split(" ");
    const name = words.slice(0, ["cuda", "kernel", "notebook"].includes(words[0]!) ? 2 : 1);
    const help = execFileSync(process.execPath, ["dist/cli/main.js", ...name, "--help"], {
      encoding: "utf8",
    });
    for (const option of words.filter((word) => word.startsWith("-")))
      assert.ok(help.includes(option), `${command}: ${option}`);
  }
});
