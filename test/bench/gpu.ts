import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join as joinPath } from "node:path";
import { parseArgs } from "node:util";
import { UserError } from "../../src/errors.js";
import { readJsonLines, type Row } from "../../src/record/index.js";
import type { RunOptions } from "../../src/run/index.js";
import { join } from "./join.js";
import { runMain } from "./run-main.js";
import { formatBench } from "./table.js";
import { ceilingsOf, SETTINGS, TARGETS } from "./targets.js";

const USAGE = `npm run bench:gpu -- [options]     ours beside PyTorch, one table; test/bench/README.md

  --models NAMES        separated by commas (${SETTINGS.models.join(",")})
  -l, --lengths LIST    prompt lengths (${SETTINGS.promptTokens.join(",")})
  --new-tokens N        (${SETTINGS.newTokens})
  --repeats N           samples of every cell (${SETTINGS.repeats})
  --ep NAME             execution provider of ours (cuda)
  --dtype NAME          of ours (${SETTINGS.dtype})
  --lowering NAME       of ours (auto)
  --segment N           tokens of a prefill segment of ours (each model's in targets.ts)
  --memory-bytes N      budget of device memory for ours
  --ours-only           without the peer
  --peer-only           without ours
  --peer-json FILE      join a peer run made earlier instead of making one; may be repeated
  --peer=ARGUMENTS      more arguments for peer_torch.py, in one string (--peer="--graphs --total-seconds 200")
  --python NAME         (python3)
  --out DIR             where raw rows go; what lies there already is joined (out/bench)
  --from DIR            only make the table of what lies there
  --json FILE           the table also as JSON lines`;

type Options = ReturnType<typeof parse>;

function parse(argv: string[]) {
  const { values } = parseArgs({
    args: argv,
    options: {
      models: { type: "string", default: SETTINGS.models.join(",") },
      lengths: { type: "string", short: "l", default: SETTINGS.promptTokens.join(",") },
      "new-tokens": { type: "string", default: String(SETTINGS.newTokens) },
      repeats: { type: "string", default: String(SETTINGS.repeats) },
      ep: { type: "string", default: "cuda" },
      dtype: { type: "string", default: SETTINGS.dtype },
      lowering: { type: "string", default: "auto" },
      segment: { type: "string" },
      "memory-bytes": { type: "string" },
      "ours-only": { type: "boolean", default: false },
      "peer-only": { type: "boolean", default: false },
      "peer-json": { type: "string", multiple: true, default: [] },
      peer: { type: "string", default: "" },
      python: { type: "string", default: "python3" },
      out: { type: "string", default: "out/bench" },
      from: { type: "string" },
      json: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  return values;
}

async function main(): Promise<void> {
  const options = parse(process.argv.slice(2));
  if (options.help) {
    console.log(USAGE);
    return;
  }
  const folder = options.from ?? options.out;
  if (!options.from) {
    mkdirSync(folder, { recursive: true });
    const stamp = new Date().toISOString().replace(/[:.]/g, "-");
    if (!options["ours-only"] && options["peer-json"].length === 0)
      await measurePeer(options, joinPath(folder, `peer-${stamp}.jsonl`));
    if (!options["peer-only"]) await measureOurs(options, joinPath(folder, `ours-${stamp}`));
  }
  const rows = [...rowFiles(folder), ...options["peer-json"]].flatMap(readRows);
  const cells = join(rows, { targets: TARGETS, ceilings: ceilingsOf });
  if (options.json) writeFileSync(options.json, cells.map((cell) => `${JSON.stringify(cell)}\n`).join(""));
  console.log(formatBench(cells, rows));
}

/** Ours first loads here: a table can be made where ONNX Runtime cannot be loaded. */
async function measureOurs(options: Options, out: string): Promise<void> {
  const { run } = await import("../../src/run/index.js");
  const settings = {
    promptTokens: options.lengths.split(",").map(Number),
    newTokens: Number(options["new-tokens"]),
    repeats: Number(options.repeats),
    ep: options.ep,
    dtype: options.dtype,
    lowering: options.lowering,
    beyondPositions: true,
    ...(options["memory-bytes"] && { memoryBytes: Number(options["memory-bytes"]) }),
  };
  for (const model of options.models.split(",")) {
    const segmentTokens = options.segment ? Number(options.segment) : SETTINGS.segmentTokens[model];
    const mine = { ...settings, models: [model], out: joinPath(out, model) };
    await run({ ...mine, ...(segmentTokens && { segmentTokens }) } as RunOptions); // `run` checks the names
  }
}

/** Where the README has the peer's kernels fetched to. */
const SDISTS = { "--mamba-ssm": ".gpu/mamba_ssm", "--causal-conv1d": ".gpu/causal_conv1d" };

/** A peer that fails leaves what it wrote, and ours to be measured. */
function measurePeer(options: Options, file: string): Promise<void> {
  const sdists = Object.entries(SDISTS).filter(([, path]) => existsSync(path));
  const settings = [
    "--models",
    options.models,
    "--lengths",
    options.lengths,
    "--new-tokens",
    options["new-tokens"],
  ];
  const args = [
    joinPath(import.meta.dirname, "peer_torch.py"),
    ...settings,
    ...["--repeats", options.repeats, "--out", file],
    ...sdists.flat(),
    ...options.peer.split(" ").filter((word) => word !== ""),
  ];
  return new Promise((resolve, reject) => {
    // Its rows are read from the file; standard output is the table's.
    const child = spawn(options.python, args, { stdio: ["ignore", "ignore", "inherit"] });
    child.on("error", (error) => {
      reject(
        new UserError(`${options.python} cannot be started (${error.message}); name another with --python`),
      );
    });
    child.on("exit", (code, signal) => {
      if (code !== 0) console.error(`peer_torch.py ended with ${signal ?? `exit code ${code}`}`);
      resolve();
    });
  });
}

/** Files of JSON lines in a folder and the folders in it, by name, which begins with what and then when. */
function rowFiles(folder: string): string[] {
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory())
    throw new UserError(`there is no folder ${folder}; measure first, or name another with --from`);
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".jsonl"))
    .sort()
    .map((name) => joinPath(folder, name));
}

function readRows(file: string): Row[] {
  const { rows, cut } = readJsonLines(file);
  if (cut !== null) console.warn(cut);
  return rows;
}

await runMain(main, USAGE);
