import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { installKernel, kernelCommand, KERNELS, listKernels, removeKernel } from "../../src/cli/kernel.js";
import { jupyterDataDir, kernelFolders } from "../../src/cli/notebook/jupyter-dirs.js";
import { UserError } from "../../src/errors.js";
import { DIST, ensureDist } from "../support/dist.js";
import { finished, jupyterPython, needsJupyter } from "../support/jupyter.js";

const root = mkdtempSync(join(tmpdir(), "ssm-scope-kernel-"));
after(() => {
  rmSync(root, { recursive: true });
});
before(ensureDist);

/** Jupyter's variables as the tests set them: the user's own folders stay untouched. */
const VARIABLES = ["JUPYTER_DATA_DIR", "JUPYTER_PATH", "VIRTUAL_ENV", "CONDA_PREFIX"];
const saved = VARIABLES.map((name) => [name, process.env[name]] as const);
let count = 0;
beforeEach(() => {
  for (const name of VARIABLES) Reflect.deleteProperty(process.env, name);
  process.env.JUPYTER_DATA_DIR = join(root, String(count++));
});
after(() => {
  for (const [name, value] of saved) if (value !== undefined) process.env[name] = value;
});

const specOf = (folder: string) =>
  JSON.parse(readFileSync(join(folder, "kernel.json"), "utf8")) as {
    argv: string[];
    display_name: string;
    language: string;
    metadata: Record<string, unknown>;
  };

const userError = (message: RegExp) => (error: unknown) =>
  error instanceof UserError && message.test(error.message);

test("the kernelspec names this Node and this package by absolute paths", () => {
  const folder = installKernel();
  assert.equal(folder, join(process.env.JUPYTER_DATA_DIR!, "kernels", "ssm-scope"));
  const { argv, language, display_name } = specOf(folder);
  assert.deepEqual(argv, [
    process.execPath,
    join(DIST, "cli", "notebook", "kernel-main.js"),
    "{connection_file}",
  ]);
  assert.ok(existsSync(argv[1]!));
  assert.deepEqual([language, display_name], ["typescript", "TypeScript (ssm-scope)"]);
  assert.deepEqual(readdirSync(folder).sort(), [
    "kernel.json",
    "logo-32x32.png",
    "logo-64x64.png",
    "logo-svg.svg",
  ]);
});

test("each kernel has its own display name, start and logos, these of the sizes in their names", () => {
  const folders = KERNELS.map((kernel) => installKernel({ kernel }));
  assert.deepEqual(
    folders.map((folder) => basename(folder)),
    [...KERNELS],
  );
  const specs = folders.map(specOf);
  assert.deepEqual(
    specs.map(({ argv }) => argv.slice(2)),
    [["{connection_file}"], ["--load", "{connection_file}"], ["--cuda", "{connection_file}"]],
  );
  assert.equal(new Set(specs.map(({ display_name }) => display_name)).size, 3);
  for (const size of [32, 64]) {
    const pngs = folders.map((folder) => readFileSync(join(folder, `logo-${size}x${size}.png`)));
    // The header chunk of a PNG holds width and height at bytes 16 and 20.
    for (const png of pngs) assert.deepEqual([png.readUInt32BE(16), png.readUInt32BE(20)], [size, size]);
    assert.equal(new Set(pngs.map((png) => png.toString("base64"))).size, 3);
  }
});

test("it goes where it is told", () => {
  const prefix = join(root, "prefix");
  assert.equal(
    installKernel({ prefix, name: "Mine" }),
    join(prefix, "share", "jupyter", "kernels", "mine"),
    "Jupyter looks names up in lower case",
  );
  process.env.CONDA_PREFIX = join(root, "conda");
  assert.equal(
    installKernel({ sysPrefix: true }),
    join(root, "conda", "share", "jupyter", "kernels", "ssm-scope"),
  );
  process.env.VIRTUAL_ENV = join(root, "venv");
  assert.equal(
    installKernel({ sysPrefix: true }),
    join(root, "venv", "share", "jupyter", "kernels", "ssm-scope"),
  );
});

test("a kernelspec of ours is renewed, another's is left alone without --force", () => {
  const folder = installKernel();
  assert.equal(installKernel(), folder);
  writeFileSync(join(folder, "kernel.json"), '{"argv": ["other"], "display_name": "Other"}');
  assert.throws(() => installKernel(), userError(/holds a kernelspec that is not ours.*--force/));
  assert.throws(() => removeKernel(), userError(/is not ours: it was left alone/));
  assert.equal(specOf(folder).display_name, "Other");
  installKernel({ force: true });
  assert.equal(specOf(folder).display_name, "TypeScript (ssm-scope)");
});

test("one that is installed elsewhere is shown, and replaced by --force only", () => {
  const user = installKernel();
  const prefix = join(root, "elsewhere");
  const there = join(prefix, "share", "jupyter", "kernels", "ssm-scope");
  assert.equal(installKernel({ prefix }), there, "Jupyter, started here, does not look there");
  process.env.JUPYTER_PATH = join(prefix, "share", "jupyter");
  assert.throws(
    () => installKernel({ prefix }),
    userError(
      new RegExp(`^ssm-scope is already installed in ${user}: --force to replace it by one in ${there}$`),
    ),
  );
  assert.equal(installKernel({ prefix, force: true }), there);
  assert.ok(!existsSync(user));
  assert.deepEqual(
    listKernels().map(({ folder }) => folder),
    [there],
  );
});

test("one that runs another copy of the package is shown, unless that copy is gone", () => {
  const folder = installKernel();
  const spec = specOf(folder);
  const other = join(root, "kernel-main.js");
  writeFileSync(other, "");
  spec.argv[1] = other;
  writeFileSync(join(folder, "kernel.json"), JSON.stringify(spec));
  assert.throws(
    () => installKernel(),
    userError(/runs another copy of ssm-scope, .*kernel-main\.js: --force/),
  );
  rmSync(other);
  installKernel();
  assert.notEqual(specOf(folder).argv[1], other);
});

test("list shows ours and what keeps one from starting; remove removes it", () => {
  assert.deepEqual(listKernels(), []);
  const folder = installKernel();
  const other = join(process.env.JUPYTER_DATA_DIR!, "kernels", "python3");
  mkdirSync(other);
  writeFileSync(join(other, "kernel.json"), '{"argv": ["python"], "display_name": "Python 3"}');
  assert.deepEqual(listKernels(), [
    { name: "ssm-scope", folder, displayName: "TypeScript (ssm-scope)", problem: null },
  ]);
  const spec = specOf(folder);
  spec.argv[0] = "/gone/node";
  writeFileSync(join(folder, "kernel.json"), JSON.stringify(spec));
  assert.match(listKernels()[0]!.problem!, /^\/gone\/node is gone: install the kernel again$/);
  assert.equal(removeKernel(), folder);
  assert.ok(!existsSync(folder));
  assert.throws(() => removeKernel(), userError(/does not exist/));
});

test("bad places and names are the user's error", () => {
  assert.throws(() => installKernel({ name: "a/b" }), userError(/--name a\/b/));
  assert.throws(() => installKernel({ name: ".." }), userError(/--name \.\./));
  assert.throws(() => installKernel({ prefix: root, user: true }), userError(/give one of them/));
  assert.throws(() => installKernel({ sysPrefix: true }), userError(/VIRTUAL_ENV and CONDA_PREFIX/));
  const file = join(root, "a-file");
  writeFileSync(file, "");
  assert.throws(() => installKernel({ prefix: file }), userError(/cannot be written \(ENOTDIR\)/));
});

test("the command line reaches the functions", async (t) => {
  const log = t.mock.method(console, "log", () => undefined);
  const error = t.mock.method(console, "error", () => undefined);
  const path = process.env.PATH;
  t.after(() => (process.env.PATH = path));
  process.env.PATH = root;
  const prefix = join(root, "command");
  const run = (...args: string[]) => kernelCommand().parseAsync(args, { from: "user" });
  await run("install", "--prefix", prefix, "--name", "two");
  process.env.JUPYTER_PATH = join(prefix, "share", "jupyter");
  await run("list");
  await run("remove", "--prefix", prefix, "two");
  await run("list");
  await run("install", "--prefix", prefix);
  await run("remove", "--prefix", prefix);
  await run("install", "--prefix", prefix, "ssm-scope-cuda", "ssm-scope");
  await run("remove", "--prefix", prefix, "ssm-scope");
  const kernels = join(prefix, "share", "jupyter", "kernels");
  const folder = join(kernels, "two");
  assert.deepEqual(
    log.mock.calls.map((call) => (call.arguments as unknown[])[0]),
    [
      `Installed the kernelspec in ${folder}`,
      `two  TypeScript (ssm-scope)  ${folder}`,
      `Removed ${folder}`,
      "No kernelspec of ssm-scope here: ssm-scope kernel install",
      ...KERNELS.map((name) => `Installed the kernelspec in ${join(kernels, name)}`),
      ...KERNELS.map((name) => `Removed ${join(kernels, name)}`),
      `Installed the kernelspec in ${join(kernels, "ssm-scope-cuda")}`,
      `Installed the kernelspec in ${join(kernels, "ssm-scope")}`,
      `Removed ${join(kernels, "ssm-scope")}`,
    ],
  );
  assert.deepEqual(readdirSync(kernels), ["ssm-scope-cuda"]);
  assert.deepEqual(
    new Set(error.mock.calls.map((call) => (call.arguments as unknown[])[0])),
    new Set([
      "Jupyter is not on PATH: `pip install jupyterlab`; without it `ssm-scope notebook run FILE` executes notebooks",
    ]),
  );
  await assert.rejects(run("install", "ssm-skope"), userError(/no kernel ssm-skope; there are ssm-scope, /));
  await assert.rejects(
    run("install", "--name", "x", ...KERNELS),
    userError(/--name x is for one kernel, and there are 3/),
  );
});

test("other systems have their own user folders", () => {
  assert.equal(jupyterDataDir({}, "darwin", "/Users/x"), "/Users/x/Library/Jupyter");
  assert.equal(
    jupyterDataDir({ APPDATA: "C:\\Users\\x\\AppData\\Roaming" }, "win32", "C:\\Users\\x"),
    "C:\\Users\\x\\AppData\\Roaming\\jupyter",
  );
});

test("Jupyter looks where we install", needsJupyter, async () => {
  const program = [
    "import json",
    "from jupyter_core.paths import jupyter_data_dir, jupyter_path",
    "print(json.dumps([jupyter_data_dir(), jupyter_path('kernels')]))",
  ].join("\n");
  const environments: Record<string, string>[] = [
    { JUPYTER_DATA_DIR: "" },
    { JUPYTER_DATA_DIR: "/data" },
    { JUPYTER_DATA_DIR: "", XDG_DATA_HOME: "/xdg", JUPYTER_PATH: "/one:/two" },
    { JUPYTER_DATA_DIR: "", JUPYTER_PLATFORM_DIRS: "1" },
  ];
  for (const env of environments) {
    const { stdout, stderr } = await finished(jupyterPython(), ["-c", program], env);
    assert.match(stdout, /^\[/, stderr);
    const [dataDir, folders] = JSON.parse(stdout) as [string, string[]];
    assert.equal(jupyterDataDir({ ...process.env, ...env }), dataDir);
    const missing = kernelFolders({ ...process.env, ...env }).filter((folder) => !folders.includes(folder));
    assert.deepEqual(missing, [], "every folder we list is one Jupyter searches");
  }
});
