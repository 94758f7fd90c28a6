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
import { join } from "node:path";
import { after, suite, test } from "node:test";
import { UserError } from "../../../src/errors.js";
import { thisMachine } from "../../../src/ort/cuda/places.js";
import { planBuild } from "../../../src/ort/ops/build-plan.js";
import { capabilityOf, gencode } from "../../../src/ort/ops/capability.js";
import { findCompiler } from "../../../src/ort/ops/compiler.js";
import {
  buildOperators,
  findOperators,
  operatorsFolder,
  operatorSources,
} from "../../../src/ort/ops/index.js";
import { cpuSignature } from "../../../src/ort/ops/library.js";

const folder = mkdtempSync(join(tmpdir(), "ssm-scope-build-"));
after(() => {
  rmSync(folder, { recursive: true });
});

/** A compiler that says what a test wants: `$2` and on are the arguments; it writes what follows -o. */
function fakeCompiler(name: string, body: string): string {
  const bin = mkdtempSync(join(folder, "bin-"));
  const script = `#!/bin/sh
if [ "$1" = --version ]; then echo "${name} 1.2.3"; exit 0; fi
${body}
`;
  writeFileSync(join(bin, name), script, { mode: 0o755 });
  return bin;
}
const WRITES = 'for last; do :; done; echo "$@" > "$last"';
/** sh and what it needs, but no compiler. */
const environment = (...bins: string[]): NodeJS.ProcessEnv => ({ PATH: bins.join(":") });

test("a plan follows the sources, the compiler, the architecture and nothing else", () => {
  const gcc = { path: "/usr/bin/g++", version: "g++ 12" };
  const plan = planBuild("cpu", gcc, ["x64-1"], "s1");
  assert.equal(planBuild("cpu", { ...gcc, path: "/bin/g++" }, ["x64-1"], "s1").key, plan.key);
  const others = [
    planBuild("cpu", { ...gcc, version: "g++ 13" }, ["x64-1"], "s1"),
    planBuild("cpu", gcc, ["x64-2"], "s1"),
    planBuild("cpu", gcc, ["x64-1"], "s2"),
    planBuild("cuda", gcc, ["90"], "s1"),
  ];
  assert.equal(new Set([plan, ...others].map(({ key }) => key)).size, 5);
  assert.ok(!plan.args.some((arg) => /fast-math|Ofast/.test(arg)), "NaN and infinity matter");
});

test("nvcc makes code for each GPU, Hopper's with its own instructions", () => {
  const nvcc = { path: "/opt/cuda/bin/nvcc", version: "release 13.0" };
  const { args } = planBuild("cuda", nvcc, ["89", "90"], "s");
  assert.deepEqual(
    args.filter((arg) => arg.startsWith("-gencode")),
    ["-gencode=arch=compute_89,code=sm_89", "-gencode=arch=compute_90,code=sm_90"],
  );
  assert.ok(args.includes("-L/opt/cuda/lib") && args.includes("cuda.cu") && !args.includes("cpu.cc"));
  assert.equal(gencode(capabilityOf("12.0")), "-gencode=arch=compute_120,code=sm_120");
  for (const wrong of ["sm_90", "9", "hopper", ""])
    assert.throws(
      () => capabilityOf(wrong),
      (error: unknown) =>
        error instanceof UserError && /must be a compute capability such as 90/.test(error.message),
    );
});

test("libraries are kept in the folder named, in XDG_CACHE_HOME, or in the home's cache", () => {
  assert.equal(operatorsFolder({ SSM_SCOPE_OPS: "/a/b" }), "/a/b");
  assert.equal(operatorsFolder({ SSM_SCOPE_OPS: "a", XDG_CACHE_HOME: "/c" }), "/c/ssm-scope/ops");
  assert.match(operatorsFolder({ XDG_CACHE_HOME: "c" }), /\/\.cache\/ssm-scope\/ops$/);
});

test("the sources' hash follows every file that the provider's compiler may read, and no other", () => {
  const sources = mkdtempSync(join(folder, "sources-"));
  const changes = (name: string, text: string): boolean[] => {
    const hashes = (): string[] => (["cpu", "cuda"] as const).map((ep) => operatorSources(ep, sources).hash);
    const before = hashes();
    writeFileSync(join(sources, name), text);
    return hashes().map((hash, i) => hash !== before[i]);
  };
  assert.deepEqual(changes("operators.cc", "1"), [true, true]);
  assert.deepEqual(changes("operators.cc", "2"), [true, true]);
  assert.deepEqual(changes("kernels.h", "1"), [true, true]);
  assert.deepEqual(changes("cpu.cc", "1"), [true, false]);
  assert.deepEqual(changes("cuda.cu", "1"), [false, true]);
  assert.deepEqual(changes("ssd.cuh", "1"), [false, true]);
  assert.deepEqual(changes("build.ts", "1"), [false, false]);
});

suite("building", () => {
  const cache = join(folder, "cache");
  const build = (options: Parameters<typeof buildOperators>[0]) =>
    buildOperators({ folder: cache, ...options })[0]!;

  test("without a compiler one sentence says which, and how to get one", () => {
    const cpu = build({ eps: ["cpu"], environment: environment() });
    assert.equal(cpu.status, "impossible");
    assert.match(
      cpu.problem!,
      /no C\+\+ compiler: none of g\+\+, c\+\+, clang\+\+ is on PATH; install one, e.g. `apt-get install g\+\+`/,
    );
    const none = {
      ...thisMachine(),
      root: join(folder, "nowhere"),
      home: folder,
      environment: {},
      pythonPaths: () => [],
    };
    assert.equal(findCompiler("cuda", none), null);
  });

  test("CUDA without a GPU needs an architecture", () => {
    const [cuda] = buildOperators({ eps: ["cuda"], folder: cache, environment: environment() });
    // On a machine with a GPU this is compiled for it, so that there is nothing to name.
    if (cuda!.architectures.length === 0)
      assert.match(cuda!.problem!, /no GPU of compute capability 8.0.*ops build --arch 90/);
  });

  test("a library is made once, found after that, and made anew when told to", () => {
    const path = environment(fakeCompiler("g++", WRITES), "/usr/bin", "/bin");
    const first = build({ eps: ["cpu"], environment: path });
    assert.equal(first.status, "built");
    assert.match(readFileSync(first.library!, "utf8"), /-march=native.*operators\.cc cpu\.cc -o/);
    assert.match(readFileSync(first.log!, "utf8"), /g\+\+ -O3/);
    assert.equal(findOperators({ ep: "cpu", cuda: null }, cache), first.library);
    assert.equal(build({ eps: ["cpu"], environment: path }).status, "found");
    assert.equal(build({ eps: ["cpu"], environment: path, force: true }).status, "built");
    assert.equal(readdirSync(cache).length, 1, "nothing is left behind");
  });

  test("what does not compile leaves its log, the first complaint, and no library", () => {
    const bin = fakeCompiler("c++", 'echo "note: x" >&2; echo "cpu.cc:1: error: no such thing" >&2; exit 1');
    const bare = join(folder, "bare");
    const [failed] = buildOperators({
      eps: ["cpu"],
      folder: bare,
      environment: environment(bin, "/nowhere"),
    });
    assert.equal(failed!.status, "failed");
    assert.equal(failed!.library, null);
    assert.equal(failed!.problem, "cpu.cc:1: error: no such thing");
    assert.match(readFileSync(failed!.log!, "utf8"), /note: x/);
    assert.deepEqual(readdirSync(bare), ["failed-cpu.log"]);
    assert.equal(findOperators({ ep: "cpu", cuda: null }, bare), null);
  });

  test("a GPU's library is taken for its compute capability only, of the present sources only, the newest", () => {
    const store = join(folder, "store");
    const { hash } = operatorSources("cuda");
    const put = (name: string, build: Record<string, unknown>): void => {
      mkdirSync(join(store, name), { recursive: true });
      writeFileSync(join(store, name, "build.json"), JSON.stringify(build));
    };
    const common = { ep: "cuda", sources: hash, architectures: ["89", "90"], built_at: "2026-01-01" };
    const find = (computeCapability: string): string | null =>
      findOperators({ ep: "cuda", cuda: { computeCapability } }, store);
    assert.equal(find("9.0"), null);
    put("old-sources", { ...common, sources: "other", built_at: "2026-03-01" });
    put("cpu", {
      ...common,
      ep: "cpu",
      sources: operatorSources("cpu").hash,
      architectures: [cpuSignature()],
    });
    put(".building-x", common);
    assert.equal(find("9.0"), null);
    put("one", common);
    put("two", { ...common, built_at: "2026-02-01" });
    assert.equal(find("9.0"), join(store, "two", "libssm_scope_ops_cuda.so"));
    assert.ok(find("8.9") !== null && find("8.6") === null);
  });

  test("nvcc is found in CUDA_HOME and in pip's packages", () => {
    const home = mkdtempSync(join(folder, "home-"));
    const put = (...parts: string[]): string => {
      const bin = join(home, ...parts, "bin");
      mkdirSync(bin, { recursive: true });
      const script = '#!/bin/sh\necho "nvcc: NVIDIA"; echo "Cuda compilation tools, release 13.0, V13.0.1"\n';
      writeFileSync(join(bin, "nvcc"), script, { mode: 0o755 });
      return join(bin, "nvcc");
    };
    const machine = {
      ...thisMachine(),
      root: home,
      home,
      environment: { PATH: "/nowhere" },
      pythonPaths: () => [],
    };
    const pip = put(".local", "lib", "python3.12", "site-packages", "nvidia", "cu13");
    assert.deepEqual(findCompiler("cuda", machine), {
      path: pip,
      version: "Cuda compilation tools, release 13.0, V13.0.1",
    });
    const toolkit = put("usr", "local", "cuda-13.0");
    assert.equal(findCompiler("cuda", machine)!.path, toolkit);
    const named = put("opt", "cuda");
    const environment = { PATH: "/nowhere", CUDA_HOME: join(home, "opt", "cuda") };
    assert.equal(findCompiler("cuda", { ...machine, environment })!.path, named);
  });
});

test("the sources are shipped", () => {
  const { files } = JSON.parse(readFileSync("package.json", "utf8")) as { files: string[] };
  for (const name of ["operators.cc", "cpu.cc", "kernels.h", "ort-abi.h"]) {
    assert.ok(existsSync(join("src/ort/ops", name)), name);
    assert.ok(files.includes(`src/ort/ops/*.${name.split(".")[1]}`), name);
  }
});
