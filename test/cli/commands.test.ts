import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { after, before, test } from "node:test";
import { ensureDist } from "../support/dist.js";

const HF = (name: string): string => resolve("test/fixtures/hf", name);
const MAIN = resolve("dist/cli/main.js");

interface Outcome {
  code: number | null;
  out: string;
  err: string;
}

let folder: string;
before(() => {
  ensureDist();
  folder = mkdtempSync(join(tmpdir(), "ssm-scope-cli-"));
});
after(() => {
  rmSync(folder, { recursive: true });
});

/** Runs a command in an empty folder of its own. */
function ssmScope(...args: string[]): Outcome {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], {
    cwd: folder,
    encoding: "utf8",
  });
  return { code: status, out: stdout, err: stderr };
}

const EXPORTED = resolve("test/fixtures/onnx/dynamo/model.onnx");
const DOCUMENT = resolve("test/fixtures/tokenizer/document.txt");
const TOKENIZER = resolve("test/fixtures/tokenizer/byte-level/tokenizer.json");

const WRONG: [string[], RegExp][] = [
  [["profile", "gpt-neo-125m"], /no prompt length given/],
  [["profile", "gpt-neo-125m", "--from", "x.json"], /--from takes the place of models, but gpt-neo-125m/],
  [
    ["profile", "gpt-neo-125m", "-l", "8", "--skip-runs", "1"],
    /--skip-runs is for a profile; give it with --from/,
  ],
  [["profile", "--from", "nowhere.json"], /nowhere\.json: there is no such file or folder/],
  [
    ["profile", "--from", DOCUMENT],
    /begins with "A state-space.*it must be a profile of ONNX Runtime or a Chrome trace/,
  ],
  [
    ["run", "gpt-neo-125", "-l", "8"],
    /^ssm-scope: there is no model "gpt-neo-125"; did you mean gpt-neo-125m/,
  ],
  [["run", "gpt-neo-125m", "-l", "0"], /a prompt length is 0; it must be a whole number of 1 or more/],
  [["run", "gpt-neo-125m", "-l", "-5"], /a prompt length is -5/],
  [["run", "gpt-neo-125m", "-l", "abc"], /"abc" is not a number of tokens/],
  [
    ["run", "gpt-neo-125m", "-l", "4K"],
    /2048 positions, but prompt and new tokens make 4112.*--beyond-positions/,
  ],
  [["run", "gpt-neo-125m"], /no prompt length given; give at least one, e\.g\. 512 \(-l 512\)/],
  [
    ["run", "gpt-neo-125m", "--onnx", EXPORTED, "-l", "8"],
    /--onnx takes the place of other models, but gpt-neo-125m/,
  ],
  [["run", "--onnx", "nowhere.onnx", "-l", "8"], /nowhere\.onnx: there is no such file or folder/],
  [["run", "--onnx", EXPORTED, "-l", "8", "--dtype", "fp16"], /the dtype cannot be chosen for an exported/],
  [["run", "gpt-neo-125m", "-l", "8", "--name", "mine"], /--name is for an exported model/],
  [["run", "gpt-neo-125m", "-l", "8", "--tokenizer", TOKENIZER], /give it with --prompt-file/],
  [["run", "gpt-neo-125m", "--prompt-file", DOCUMENT], /--prompt-file needs the model's tokenizer\.json/],
  [
    ["run", "--onnx", EXPORTED, "--prompt-file", DOCUMENT],
    /tokenizer\.json \(--tokenizer\); there is none at/,
  ],
  [
    ["run", "gpt-neo-125m", "-l", "1K", "--prompt-file", DOCUMENT, "--tokenizer", TOKENIZER],
    /the prompt length is 1024, but document\.txt [0-9a-f]{12} has 353 tokens/,
  ],
  [["run", "gpt-neo-125m", "-l", "8", "--resume"], /--resume needs --out/],
  [["run", "gpt-neo-125m", "-l", "8", "--resume", "-o", "nowhere"], /there is no campaign in nowhere/],
  [["run", "gpt-neo-125m", "-l", "8", "--isolate", "all"], /Allowed choices are auto, cell, none/],
  [["run", "gpt-neo-125m", "-l", "8", "--dtype", "fp8"], /Allowed choices are fp32, fp16/],
  [["run", "-l", "8"], /^ssm-scope: no model given/],
  [["run", "-l", "8", "--config", "nowhere"], /nowhere: there is no such file or folder; give a config.json/],
  [["run", "-l", "8", "--weights", "nowhere"], /nowhere is not a folder; give the folder of a checkpoint/],
  [
    ["run", "gpt-neo-125m", "-l", "8", "--weights", HF("qwen2")],
    /config.json is not of gpt-neo-125m: model_type is/,
  ],
  [
    ["run", "-l", "8", "--config", HF("llama"), "--weights", HF("qwen2")],
    /is not of llama: model_type is "qwen2"/,
  ],
  [["verify", "--weights", "nowhere"], /nowhere is not a folder/],
  [["models", "--config", "nowhere"], /nowhere: there is no such file/],
  [["figures", "fig9"], /there is no figure "fig9"; did you mean fig\w+\?/],
  [["figures", "--source", "rows"], /--source rows needs --rows/],
  [["figures", "--source", "both"], /--source both needs --rows/],
  [["figures", "--source", "paper", "--rows", "x"], /--source paper takes no --rows/],
  [["figures", "--rows", "nowhere"], /nowhere/],
  [["figures", "roofline", "--form", "faithful"], /for figures of the paper, and roofline is none of them/],
  [["figures", "--metric", "ep"], /Allowed choices are ttft_ms, /],
  [["figures", "-f", "pdf"], /"pdf" is not a format; there are svg, png, json/],
  [["ops", "build", "--arch", "hopper"], /the GPU architecture is "hopper"; it must be a compute capability/],
  [["ops", "build", "--ep", "tpu"], /Allowed choices are cpu, cuda/],
  [["run", "mamba-130m", "-l", "8", "--lowering", "fusion"], /Allowed choices are auto, .*, fused/],
  [["frobnicate"], /unknown command 'frobnicate'/],
  [["models", "--frobnicate"], /unknown option '--frobnicate'/],
];

for (const [args, message] of WRONG)
  test(`\`${args.join(" ")}\` is refused with 2, one sentence and nothing written`, () => {
    const { code, err } = ssmScope(...args);
    assert.match(err, message);
    assert.equal(code, 2);
    assert.doesNotMatch(err, /\n\s+at /, "no stack");
    assert.deepEqual(readdirSync(folder), []);
  });

test("a path that cannot be written is one sentence, and a closed pipe is none", () => {
  const file = join(folder, "file");
  writeFileSync(file, "");
  for (const args of [
    ["figures", "-o", "file/x"],
    ["run", "gpt-neo-125m", "-l", "8", "-o", "file/x"],
  ]) {
    const { code, err } = ssmScope(...args);
    assert.match(err, /^ssm-scope: .*file\/x.*\(ENOTDIR\).*$/m);
    assert.equal(code, 2);
  }
  rmSync(file);
  const piped = spawnSync("sh", ["-c", `"${process.execPath}" "${MAIN}" run --help | head -1`], {
    encoding: "utf8",
  });
  assert.equal(piped.stderr, "");
});

test("an exported model is measured on a document, by the tokenizer beside it", () => {
  const model = join(folder, "exported");
  cpSync(dirname(EXPORTED), model, { recursive: true });
  cpSync(TOKENIZER, join(model, "tokenizer.json"));
  writeFileSync(join(folder, "letters.txt"), "QWXZ");
  const file = join("exported", "model.onnx");
  const { code, out, err } = ssmScope(
    ...[
      "run",
      "--onnx",
      file,
      "--name",
      "mine",
      "--prompt-file",
      "letters.txt",
      "-n",
      "3",
      "-r",
      "1",
      "-o",
      "rows",
    ],
  );
  assert.equal(code, 0, err);
  assert.match(out, /1 rows in rows\/rows\.jsonl/);
  const row = JSON.parse(readFileSync(join(folder, "rows", "rows.jsonl"), "utf8")) as Record<string, unknown>;
  assert.deepEqual([row["model"], row["prompt_tokens"], row["status"]], ["mine", 4, "ok"]);
  assert.match(String(row["prompt"]), /^letters\.txt [0-9a-f]{12}$/);
  for (const made of ["exported", "letters.txt", "rows"]) rmSync(join(folder, made), { recursive: true });
});

test("models and doctor print JSON that programs read", () => {
  const models = JSON.parse(ssmScope("models", "--json").out) as {
    model: string;
    parameters: number;
    source: string;
  }[];
  assert.deepEqual(
    models.map(({ model }) => model),
    [
      ...[
        "gpt-neo-125m",
        "qwen2.5-0.5b",
        "qwen2.5-1.5b",
        "llama-3.2-1b",
        "tinyllama-1.1b",
        "phi-3-mini-128k",
      ],
      ...["130m", "370m", "790m", "1.4b", "2.8b"].map((size) => `mamba-${size}`),
      ...["130m", "370m", "780m", "1.3b", "2.7b"].map((size) => `mamba2-${size}`),
      "falcon-h1-0.5b",
      "falcon-h1-1.5b",
      "zamba2-1.2b",
      "zamba2-2.7b",
      "hymba-1.5b",
    ],
  );
  assert.ok(models.every(({ parameters, source }) => parameters > 1e8 && source));
  const { code, out } = ssmScope("doctor", "--json");
  const findings = JSON.parse(out) as { name: string; found: boolean; detail: string; hint: string | null }[];
  assert.equal(code, 0);
  // Between these are the GPUs and libraries of a machine that has them.
  const always = ["Node.js", "ONNX Runtime", "NVIDIA driver", "CUDA execution provider"];
  always.push("NVML", "tegrastats", "Jupyter", "Kernelspec");
  const names = findings.map(({ name }) => name);
  assert.deepEqual(
    names.filter((name) => always.includes(name)),
    always,
  );
  assert.ok(
    findings.every(({ found, hint }) => found || hint),
    "whatever is missing says how to get it",
  );
});

test("operators that cannot be built are said in one sentence, and doctor says how to build them", () => {
  const env = { ...process.env, PATH: "", SSM_SCOPE_OPS: join(folder, "ops") };
  const ssm = (...args: string[]) => spawnSync(process.execPath, [MAIN, ...args], { env, encoding: "utf8" });
  const built = ssm("ops", "build", "--ep", "cpu");
  assert.equal(built.status, 1);
  assert.match(built.stdout, /^CPU: there is no C\+\+ compiler: .*install one/);
  const [result] = JSON.parse(ssm("ops", "build", "--ep", "cpu", "--json").stdout) as { status: string }[];
  assert.equal(result!.status, "impossible");
  assert.match(ssm("doctor").stdout, /Fused operators, CPU: not built\n +run `ssm-scope ops build`/);
});

test("doctor exits with 1 when there is no ONNX Runtime", () => {
  const { status, stdout } = spawnSync(process.execPath, [MAIN, "doctor"], {
    encoding: "utf8",
    env: { ...process.env, SSM_SCOPE_ORT: "/nowhere/libonnxruntime.so" },
  });
  assert.equal(status, 1);
  assert.match(stdout, /– ONNX Runtime: .*\/nowhere\/libonnxruntime.so.*no such file/);
});

test("figures are drawn from the paper and from rows, side by side", () => {
  const paper = ssmScope("figures", "fig1", "--out", "figures");
  assert.equal(paper.code, 0, paper.err);
  const rows = join(folder, "rows.jsonl");
  const row = { kind: "latency", status: "ok", device: "cpu", prompt_tokens: 8, ttft_ms: 3, tpot_ms: 1 };
  const models = [
    { model: "gpt-neo-125m", family: "transformer" },
    { model: "mamba2-130m", family: "ssm" },
  ];
  writeFileSync(rows, models.map((model) => JSON.stringify({ ...row, ...model }) + "\n").join(""));
  assert.equal(ssmScope("figures", "fig1", "--rows", rows, "--out", "figures").code, 0);
  const both = ["figures", "--source", "both", "--rows", rows, "--out", "figures", "-f", "json"];
  assert.equal(ssmScope(...both).code, 0);
  const written = readdirSync(join(folder, "figures"));
  assert.deepEqual(
    written.filter((file) => !file.includes("-both")).sort(),
    ["fig1", "fig1-measured"]
      .flatMap((name) => ["json", "png", "svg"].map((format) => `${name}.${format}`))
      .sort(),
  );
  const listed = ssmScope("figures", "--list").out.match(/^\S+/gm)!;
  assert.ok(listed.includes("fig9b") && listed.includes("latency-distribution"));
  for (const name of listed)
    assert.ok(written.includes(`${name}-both.json`), `with no name, all that are listed: ${name}`);
  const sheet = [
    "figures",
    "fig6b",
    "energy",
    "--source",
    "both",
    "--rows",
    rows,
    "-o",
    "figures",
    "--sheet",
  ];
  assert.match(ssmScope(...sheet, "-f", "json").out, /sheet-both\.png/);
  const png = readFileSync(join(folder, "figures", "sheet-both.png"));
  assert.equal(png.readUInt32BE(16), 24 + 2 * (640 + 24), "as wide as two columns");
  const spec = JSON.parse(readFileSync(join(folder, "figures", "fig1.json"), "utf8")) as { $schema: string };
  assert.match(spec.$schema, /vega-lite/);
  rmSync(join(folder, "figures"), { recursive: true });
  rmSync(rows);
});

for (const isolate of ["none", "cell"])
  test(`run --isolate ${isolate} measures, says where the rows are, and Ctrl-C leaves complete ones and exits with 130`, async () => {
    const out = join(folder, `campaign-${isolate}`);
    const command = (repeats: number): string[] => [
      "run",
      ...`gpt-neo-125m -l 8 -n 2 -r ${repeats} --isolate ${isolate} -o`.split(" "),
      out,
    ];
    const child = spawn(process.execPath, [MAIN, ...command(100_000)], { detached: true });
    let interrupted = false;
    const file = join(out, "rows.jsonl");
    const watch = setInterval(() => {
      if (existsSync(file) && readFileSync(file, "utf8").split("\n").length > 3 && !interrupted) {
        interrupted = true;
        // As a terminal does: to the whole group.
        process.kill(-child.pid!, "SIGINT");
      }
    }, 50);
    let err = "";
    child.stderr.on("data", (data: Buffer) => (err += data.toString()));
    const code = await new Promise<number | null>((resolve) => child.on("exit", resolve));
    clearInterval(watch);
    assert.equal(code, 130, err);
    assert.match(err, /interrupted; \d+ complete rows are kept/);
    const taken = readFileSync(file, "utf8");
    const count = taken
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { status: string })
      .filter(({ status }) => status === "ok").length;
    assert.equal(count, taken.trimEnd().split("\n").length, "an interruption is no failure");
    assert.ok(taken.endsWith("\n"));

    const resumed = ssmScope(...command(count + 1), "--resume");
    assert.equal(resumed.code, 0, resumed.err);
    assert.match(resumed.out, new RegExp(`${count + 1} rows in .*rows.jsonl`));
    assert.match(resumed.out, /gpt-neo-125m +8 +ok/);
  });

test("a config.json is a model, and a checkpoint its weights", () => {
  const listed = ssmScope("models", "--json", "--config", HF("llama"), "--config", HF("mamba2"));
  assert.deepEqual(
    (JSON.parse(listed.out) as { model: string; parameters: number }[]).map(({ model, parameters }) => [
      model,
      parameters,
    ]),
    [
      ["llama", 94_528],
      ["mamba2", 96_368],
    ],
  );
  const { code, err } = ssmScope(
    "run",
    "--weights",
    HF("qwen2"),
    "-l",
    "8",
    "-n",
    "2",
    "-r",
    "1",
    "-o",
    "real",
  );
  assert.equal(code, 0, err);
  const row = JSON.parse(readFileSync(join(folder, "real", "rows.jsonl"), "utf8")) as Record<string, unknown>;
  assert.match(String(row.weights), /^qwen2@[0-9a-f]{12}$/);
  rmSync(join(folder, "real"), { recursive: true });
});
