import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  closeSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, afterEach, before, suite, test } from "node:test";
import * as tar from "tar";
import { openRuntime } from "../../../src/ort/index.js";
import { ensureDist } from "../../support/dist.js";
import { buildFakeMachine, buildProvider, FAKE_CUDA, type FakeMachine } from "../../support/fake-cuda.js";
import { needGcc } from "../../support/gcc.js";
import { need } from "../../support/need.js";
import { serve } from "../../support/serve.js";

const needPython = need(
  "python3",
  spawnSync("python3", ["--version"]).status === 0,
  "`apt-get install python3`, which packs zip files as wheels are packed",
);
const skip = needGcc.skip || needPython.skip || process.platform !== "linux";

interface Outcome {
  code: number | null;
  out: string;
  err: string;
}

suite("cuda install", { skip }, () => {
  const { version } = openRuntime();
  const FILES = ["libonnxruntime_providers_cuda.so", "libonnxruntime_providers_shared.so"];
  let folder: string;
  let machine: FakeMachine;
  let wheel: string;
  before(() => {
    ensureDist();
    folder = mkdtempSync(join(tmpdir(), "ssm-scope-install-"));
    machine = buildFakeMachine(folder, version);
    wheel = pack(machine.provider, "wheel");
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });
  afterEach(() => {
    for (const name of readdirSync(machine.runtimeFolder))
      if (name !== "libonnxruntime.so") rmSync(join(machine.runtimeFolder, name), { recursive: true });
  });

  /** Packs a folder as a wheel has it; Python's zipfile compresses. */
  function pack(provider: string, name: string): string {
    const tree = join(folder, `${name}-tree`);
    cpSync(provider, join(tree, "onnxruntime", "capi"), { recursive: true });
    const file = join(folder, `${name}.whl`);
    const code = `import os, sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w", zipfile.ZIP_DEFLATED) as z:
  for root, _, names in os.walk(sys.argv[2]):
    for name in names: z.write(os.path.join(root, name), os.path.relpath(os.path.join(root, name), sys.argv[2]))`;
    const { status, stderr } = spawnSync("python3", ["-c", code, file, tree], { encoding: "utf8" });
    assert.equal(status, 0, stderr);
    return file;
  }

  const environment = (changes: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({
    ...process.env,
    SSM_SCOPE_ORT: machine.runtime,
    // No GPU, on whatever machine this runs.
    LD_LIBRARY_PATH: machine.driver,
    FAKE_INIT: "100",
    ...changes,
  });

  /** Not spawnSync: the server that it talks to is in this process. */
  async function install(
    args: string[],
    changes: NodeJS.ProcessEnv = {},
    onStart?: (kill: () => void) => void,
  ) {
    const child = spawn(process.execPath, [resolve("dist/cli/main.js"), "cuda", "install", ...args], {
      cwd: folder,
      env: environment(changes),
    });
    onStart?.(() => child.kill("SIGINT"));
    const outcome: Outcome = { code: null, out: "", err: "" };
    child.stdout.on("data", (data: Buffer) => (outcome.out += data.toString()));
    child.stderr.on("data", (data: Buffer) => (outcome.err += data.toString()));
    outcome.code = await new Promise((done) => child.on("close", done));
    return outcome;
  }

  const installed = (): string[] =>
    readdirSync(machine.runtimeFolder)
      .filter((name) => name !== "libonnxruntime.so")
      .sort();

  /** A package index with our wheel. */
  const withIndex = <T>(sha256: string, use: (url: string) => Promise<T>, truncate = false): Promise<T> =>
    serve((request, response) => {
      const bytes = readFileSync(wheel);
      const machineName = process.arch === "arm64" ? "aarch64" : "x86_64";
      const filename = `onnxruntime_gpu-${version}-cp312-cp312-manylinux_2_28_${machineName}.whl`;
      if (request.url === "/simple/onnxruntime-gpu/")
        response.end(
          JSON.stringify({ files: [{ filename, url: `../../files/${filename}`, hashes: { sha256 } }] }),
        );
      else if (request.url === `/files/${filename}`) {
        response.writeHead(200, { "content-length": bytes.length });
        if (truncate)
          response.write(bytes.subarray(0, 1000), () => setTimeout(() => response.destroy(), 200));
        else response.end(bytes);
      } else response.writeHead(404).end();
    }, use);
  const checksum = (): string => createHash("sha256").update(readFileSync(wheel)).digest("hex");

  test("from a wheel: whole, executable, beside the runtime library, said in JSON and in words", async () => {
    await withIndex(checksum(), async (url) => {
      const index = { PIP_INDEX_URL: `${url}/simple` };
      const { code, out, err } = await install(["--json"], index);
      assert.equal(code, 0, err);
      const { problem, ...rest } = JSON.parse(out) as Record<string, unknown>;
      assert.deepEqual(rest, {
        folder: machine.runtimeFolder,
        version,
        cuda_major: FAKE_CUDA,
        installed: true,
        device: null,
      });
      assert.match(problem as string, /^The NVIDIA driver finds no GPU/);
      assert.match(err, /^from http:.*\.whl$/m);
      assert.deepEqual(installed(), FILES);
      for (const name of FILES) {
        const path = join(machine.runtimeFolder, name);
        assert.deepEqual(readFileSync(path), readFileSync(join(machine.provider, name)));
        assert.equal(statSync(path).mode & 0o777, 0o755);
      }

      const forced = await install(["--force"], index);
      assert.equal(forced.code, 0, forced.err);
      assert.match(forced.out, new RegExp(`^CUDA execution provider ${version} for CUDA 91 is now in `));
      assert.match(forced.out, /^It cannot be used yet: The NVIDIA driver finds no GPU; see/m);
      assert.deepEqual(installed(), FILES);
    });
    const again = await install([], { PIP_INDEX_URL: "http://127.0.0.1:9" });
    assert.equal(again.code, 0, "what is there is not fetched again");
    assert.match(again.out, /was already in/);
  });

  test("from a file, a folder, a folder of much else, and a tarball", async () => {
    const tarball = join(folder, "package.tgz");
    const tree = join(folder, "package-tree");
    const [own, foreign] = process.arch === "x64" ? ["x64", "arm64"] : ["arm64", "x64"];
    mkdirSync(join(tree, foreign), { recursive: true });
    for (const name of FILES) writeFileSync(join(tree, foreign, name), "of another machine");
    cpSync(machine.provider, join(tree, own), { recursive: true });
    tar.create({ file: tarball, gzip: true, sync: true, cwd: folder }, ["package-tree"]);
    for (const source of [wheel, machine.provider, join(folder, "wheel-tree"), tree, tarball]) {
      const { code, err } = await install(["--from", source, "--force"]);
      assert.equal(code, 0, err);
      assert.deepEqual(installed(), FILES, source);
      assert.deepEqual(
        readFileSync(join(machine.runtimeFolder, FILES[0]!)),
        readFileSync(join(machine.provider, FILES[0]!)),
      );
    }
  });

  test("what is not what it should be is refused with 2 and one sentence, and leaves nothing", async () => {
    const folders = Object.fromEntries(
      ["empty", "half", "old", "fake"].map((name) => {
        mkdirSync(join(folder, name));
        return [name, join(folder, name)];
      }),
    ) as Record<"empty" | "half" | "old" | "fake", string>;
    cpSync(join(machine.provider, FILES[0]!), join(folders.half, FILES[0]!));
    const cudart = join(machine.sitePackages, `nvidia/cu${FAKE_CUDA}/lib/libcudart.so.${FAKE_CUDA}`);
    buildProvider(folders.old, "1.22.1", [cudart]);
    for (const name of FILES) writeFileSync(join(folders.fake, name), "no library");
    const broken = join(folder, "broken.whl");
    writeFileSync(broken, "no zip");
    const brokenTarball = join(folder, "broken.tgz");
    writeFileSync(brokenTarball, "no tarball");
    const WRONG: [string, RegExp][] = [
      [
        folders.empty,
        /There is no libonnxruntime_providers_cuda\.so and no libonnxruntime_providers_shared\.so in .*empty\.$/m,
      ],
      [pack(folders.half, "half"), /There is no libonnxruntime_providers_shared\.so in .*half\.whl\.$/m],
      [
        folders.old,
        /The provider from .*old is of version 1\.22\.1, but the ONNX Runtime here is 1\.\d+\.\d+; give a source/,
      ],
      [
        folders.fake,
        /libonnxruntime_providers_cuda\.so from .*fake is not a CUDA execution provider for this machine/,
      ],
      [broken, /broken\.whl cannot be unpacked: /],
      [brokenTarball, /broken\.tgz cannot be unpacked: /],
      ["nowhere", /--from nowhere: there is no such file or folder/],
    ];
    for (const [source, message] of WRONG) {
      const { code, err } = await install(["--from", source]);
      assert.match(err, message);
      assert.equal(code, 2, err);
      assert.doesNotMatch(err, /\n\s+at /, "no stack");
      assert.deepEqual(installed(), [], source);
    }
  });

  test("a wrong checksum and a download that breaks off are refused, and leave nothing", async () => {
    const wrong = await withIndex("0".repeat(64), (url) => install([], { PIP_INDEX_URL: `${url}/simple` }));
    assert.match(
      wrong.err,
      /is not the file that its index names: its sha256 is [0-9a-f]{64}, not 0{64}; try again\.$/m,
    );
    assert.equal(wrong.code, 2);
    assert.deepEqual(installed(), []);
    const cut = await withIndex(checksum(), (url) => install([], { PIP_INDEX_URL: `${url}/simple` }), true);
    assert.match(cut.err, /cannot be had \(.*\); get the file by other means and give it to --from\.$/m);
    assert.equal(cut.code, 2);
    assert.deepEqual(installed(), []);
  });

  test("Ctrl-C in a download ends it with 130, and leaves nothing", async () => {
    let kill = (): void => undefined;
    const { code, err } = await serve(
      (request, response) => {
        if (request.url!.includes("simple")) {
          const machineName = process.arch === "arm64" ? "aarch64" : "x86_64";
          const filename = `onnxruntime_gpu-${version}-cp312-cp312-linux_${machineName}.whl`;
          response.end(JSON.stringify({ files: [{ filename, url: "/x.whl", hashes: { sha256: "x" } }] }));
        } else {
          response.writeHead(200, { "content-length": 1_000_000 });
          response.write("the beginning", () => setTimeout(kill, 300));
        }
      },
      (url) =>
        install([], { PIP_INDEX_URL: `${url}/simple` }, (stop) => {
          kill = stop;
        }),
    );
    assert.equal(code, 130, err);
    assert.match(err, /interrupted/);
    assert.deepEqual(installed(), []);
  });

  test("a folder that cannot be written is one sentence, before anything is fetched", () => {
    // Nobody, root included, can make a file in /proc/self/fd; a library can be loaded from there.
    const fd = openSync(openRuntime().library, "r");
    try {
      const { status, stderr } = spawnSync(
        process.execPath,
        [resolve("dist/cli/main.js"), "cuda", "install", "--from", machine.provider],
        {
          encoding: "utf8",
          stdio: ["ignore", "pipe", "pipe", fd],
          env: environment({ SSM_SCOPE_ORT: "/proc/self/fd/3" }),
        },
      );
      assert.match(
        stderr,
        /^ssm-scope: \/proc\/self\/fd, where ONNX Runtime looks .*, cannot be written \(E\w+\); run as its owner/,
      );
      assert.equal(status, 2);
    } finally {
      closeSync(fd);
    }
  });

  test("doctor shows who named the runtime, provider, driver, GPUs, and each library with its place", () => {
    for (const name of FILES) symlinkSync(join(machine.provider, name), join(machine.runtimeFolder, name));
    const { stdout, stderr } = spawnSync(
      process.execPath,
      [resolve("dist/cli/main.js"), "doctor", "--json"],
      {
        encoding: "utf8",
        env: environment({ FAKE_INIT: "0", VIRTUAL_ENV: machine.environment }),
      },
    );
    assert.notEqual(stdout, "", stderr);
    const findings = JSON.parse(stdout) as {
      name: string;
      found: boolean;
      detail: string;
      hint: string | null;
    }[];
    const of = (name: string) => findings.find((finding) => finding.name === name)!;
    assert.match(of("ONNX Runtime").detail, /libonnxruntime\.so, named by SSM_SCOPE_ORT\)$/);
    assert.match(of("NVIDIA driver").detail, /^supports CUDA 91\.1 \(libcuda\.so\.1\)$/);
    assert.match(of("GPU 1").detail, /^Fake Two, compute capability 8\.9, 24\.0 GiB, GPU-00112233-/);
    assert.match(
      of("CUDA execution provider").detail,
      new RegExp(`^${version}, for CUDA 91 \\(.*runtime/libonnx`),
    );
    const cublas = of("libcublas.so.91");
    assert.ok(cublas.found);
    assert.match(
      cublas.detail,
      /nvidia\/cu91\/lib\/libcublas\.so\.91 \(pip's nvidia packages, loaded for you\)$/,
    );
    const cufft = of("libcufft.so.90");
    assert.ok(!cufft.found);
    assert.match(
      cufft.detail,
      /^missing, which few operators need; looked in the loader's cache, LD_LIBRARY_PATH/,
    );
    assert.match(cufft.hint!, /^`pip install nvidia-cufft~=90\.0`, or install CUDA 91/);
  });
});
