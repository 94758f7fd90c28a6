import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import type { CudaDevice } from "../../../src/ort/cuda/driver.js";
import { cudaVersionText } from "../../../src/ort/cuda/driver.js";
import {
  assertCapability,
  assertCudaBuild,
  assertDriver,
  assertPlatform,
  assertProvider,
  deviceOf,
} from "../../../src/ort/cuda/open.js";
import { PROVIDER_FILES } from "../../../src/ort/cuda/provider.js";
import { openRuntime } from "../../../src/ort/index.js";
import { buildFakeMachine, buildProvider, FAKE_CUDA, type FakeMachine } from "../../support/fake-cuda.js";
import { needGcc } from "../../support/gcc.js";

/** One sentence: a capital, no full stop inside but in names and numbers, one at the end. */
function refuses(work: () => unknown, message: RegExp): void {
  assert.throws(work, (error: Error) => {
    assert.equal(error.name, "UserError");
    assert.match(error.message, message);
    assert.doesNotMatch(error.message, /\.\s+[A-Z]/, "one sentence");
    return true;
  });
}

const gpu = (id: number, computeCapability = "8.9"): CudaDevice => ({
  id,
  name: `GPU ${id}`,
  computeCapability,
  totalBytes: 2 ** 33,
  uuid: null,
});

test("platforms without CUDA sessions are refused", () => {
  assertPlatform("linux", "x64");
  assertPlatform("linux", "arm64");
  refuses(() => {
    assertPlatform("darwin", "arm64");
  }, /need Linux on x64 or arm64, and this is darwin on arm64; measure on the CPU/);
});

test("a device id is one of those there are", () => {
  assert.equal(deviceOf([gpu(0), gpu(1)], 1).name, "GPU 1");
  for (const id of [2, -1, 0.5, NaN])
    refuses(
      () => deviceOf([gpu(0), gpu(1)], id),
      /There is no CUDA device \S+; the driver has 0 \(GPU 0\), 1 \(GPU 1\)\./,
    );
});

test("a driver runs its own CUDA and older ones", () => {
  assertDriver("13.0", 13);
  assertDriver("13.1", 12);
  refuses(() => {
    assertDriver("12.8", 13);
  }, /too old: it supports CUDA 12\.8, and the provider needs CUDA 13; update the driver/);
});

test("a GPU that CUDA left behind is refused", () => {
  assertCapability(gpu(0, "7.5"), 13);
  assertCapability(gpu(0, "6.1"), 12);
  assertCapability(gpu(0, "12.0"), 13);
  refuses(() => {
    assertCapability(gpu(0, "7.0"), 13);
  }, /GPU 0 has compute capability 7\.0, and CUDA 13 needs 7\.5 or more/);
});

test("a provider of another version, machine or kind is refused", () => {
  const provider = { path: "/p.so", version: "1.29.0", cudaMajor: 13, needed: [] };
  assert.equal(assertProvider(provider, "/p.so", "1.29.0").cudaMajor, 13);
  assert.equal(assertProvider({ ...provider, version: null }, "/p.so", "1.29.0").cudaMajor, 13);
  refuses(
    () => assertProvider({ ...provider, version: "1.30.0" }, "/p.so", "1.29.0"),
    /\/p\.so is of version 1\.30\.0, but the ONNX Runtime beside it is 1\.29\.0; run `ssm-scope cuda install --force`/,
  );
  for (const none of [null, { ...provider, cudaMajor: null }])
    refuses(
      () => assertProvider(none, "/p.so", "1.29.0"),
      /\/p\.so is not a CUDA execution provider for this machine/,
    );
});

test("a build without CUDA is refused", () => {
  refuses(() => {
    assertCudaBuild(["CPUExecutionProvider"], "1.29.0", "/ort.so");
  }, /ONNX Runtime 1\.29\.0 at \/ort\.so was built without CUDA; name a build that has it in SSM_SCOPE_ORT/);
});

test("CUDA's version numbers are read as NVIDIA writes them", () => {
  assert.deepEqual([13000, 12080, 11040].map(cudaVersionText), ["13.0", "12.8", "11.4"]);
});

interface Outcome {
  opened?: Record<string, unknown>;
  loaded?: string[];
  exports?: boolean;
  before: string;
  after?: string;
  name?: string;
  message?: string;
}

suite(
  "on a machine with a fake GPU",
  { ...needGcc, skip: needGcc.skip || process.platform !== "linux" },
  () => {
    let folder: string;
    let machine: FakeMachine;
    before(() => {
      folder = mkdtempSync(join(tmpdir(), "ssm-scope-open-"));
      machine = buildFakeMachine(folder, openRuntime().version);
      for (const name of PROVIDER_FILES)
        copyFileSync(join(machine.provider, name), join(machine.runtimeFolder, name));
    });
    after(() => {
      rmSync(folder, { recursive: true });
    });

    const lib = (): string => join(machine.sitePackages, `nvidia/cu${FAKE_CUDA}/lib`);

    function open(
      environment: NodeJS.ProcessEnv = {},
      { deviceId = 0, runtime = machine.runtime } = {},
    ): Outcome {
      const { PATH = "", HOME } = process.env;
      const { stdout, stderr } = spawnSync(
        process.execPath,
        [
          ...["--import", "tsx", "test/ort/cuda/open-case.ts", runtime, `${deviceId}`],
          join(machine.runtimeFolder, PROVIDER_FILES[0]),
        ],
        {
          encoding: "utf8",
          // Without PATH no Python is asked for what else this machine may have.
          env: {
            HOME,
            LD_LIBRARY_PATH: machine.driver,
            VIRTUAL_ENV: machine.environment,
            ...environment,
            _: PATH,
          },
        },
      );
      assert.notEqual(stdout, "", stderr);
      return JSON.parse(stdout) as Outcome;
    }

    test("the libraries are loaded by path, and then the loader takes the provider", () => {
      const { opened, loaded, exports, before, after } = open({}, { deviceId: 1 });
      assert.deepEqual(opened, {
        deviceId: 1,
        name: "Fake Two",
        computeCapability: "8.9",
        totalBytes: 25757220965,
        uuid: "GPU-00112233-4455-6677-8899-aabbccddeeff",
        driverVersion: "91.1",
        runtimeVersion: "91.2",
      });
      assert.ok(exports);
      assert.match(before, /libcu\w+\.so\.\d+: cannot open shared object file/);
      assert.equal(after, "loads");
      for (const name of ["libcublasLt", "libcublas", "libcurand", "libcudart"])
        assert.ok(loaded!.includes(join(lib(), `${name}.so.${FAKE_CUDA}`)), `${name}: ${loaded!.join()}`);
      // A machine may have a cuDNN of its own, which goes first.
      assert.ok(loaded!.some((path) => path.includes("libcudnn.so")));
    });

    const REFUSED: [string, NodeJS.ProcessEnv, RegExp][] = [
      [
        "no GPU",
        { FAKE_INIT: "100" },
        /^The NVIDIA driver finds no GPU; see what nvidia-smi lists, or measure on the CPU/,
      ],
      [
        "a GPU that is hidden",
        { FAKE_COUNT: "0", CUDA_VISIBLE_DEVICES: "" },
        /^The NVIDIA driver finds no GPU with CUDA_VISIBLE_DEVICES=""; see/,
      ],
      [
        "a driver that fails",
        { FAKE_INIT: "803" },
        /^The NVIDIA driver does not start: cuInit fails with CUDA_ERROR_FAKE \(803\)/,
      ],
      [
        "an old driver",
        { FAKE_DRIVER: "12040" },
        /too old: it supports CUDA 12\.4, and the provider needs CUDA 91/,
      ],
      ["an old GPU", { FAKE_MAJOR: "6" }, /^Fake One has compute capability 6\.9, and CUDA 91 needs 7\.5/],
    ];
    for (const [what, environment, message] of REFUSED)
      test(`${what} is one sentence`, () => {
        const { name, message: said } = open(environment);
        assert.equal(name, "UserError");
        assert.match(said!, message);
        assert.match(said!, /^[^.]*(\.\w[^.]*)*\.$/, "one sentence");
      });

    test("a device that is not there is one sentence", () => {
      assert.match(
        open({}, { deviceId: 2 }).message!,
        /^There is no CUDA device 2; the driver has 0 \(Fake One\), 1 \(Fake Two\)\.$/,
      );
    });

    test("a driver that cannot be loaded is one sentence", () => {
      const broken = join(folder, "broken");
      mkdirSync(broken);
      writeFileSync(join(broken, "libcuda.so.1"), "no library");
      assert.match(
        open({ LD_LIBRARY_PATH: broken }).message!,
        /^There is no NVIDIA driver on this machine: libcuda\.so\.1 is not to be found; install the driver/,
      );
    });

    test("a library that is missing is one sentence, with the package and the places", () => {
      const cublas = join(lib(), `libcublas.so.${FAKE_CUDA}`);
      renameSync(cublas, `${cublas}.away`);
      try {
        assert.match(
          open().message!,
          /^libcublas\.so\.91 is missing \(looked in .*LD_LIBRARY_PATH.*nvidia\/cu91\/lib.*\); `pip install nvidia-cublas~=91\.0`, or install CUDA 91/,
        );
      } finally {
        renameSync(`${cublas}.away`, cublas);
      }
    });

    test("no provider, half of one, and one of another version are one sentence each", () => {
      const other = join(folder, "other");
      mkdirSync(other);
      const runtime = join(other, "libonnxruntime.so");
      symlinkSync(openRuntime().library, runtime);
      assert.match(
        open({}, { runtime }).message!,
        /^The CUDA execution provider is not installed: there is no libonnxruntime_providers_cuda\.so and no libonnxruntime_providers_shared\.so in .*; run `ssm-scope cuda install`\.$/,
      );
      const cudart = join(lib(), `libcudart.so.${FAKE_CUDA}`);
      buildProvider(other, "1.22.1", [cudart]);
      assert.match(
        open({}, { runtime }).message!,
        /is of version 1\.22\.1, but the ONNX Runtime beside it is 1\./,
      );
      rmSync(join(other, PROVIDER_FILES[1]));
      assert.match(open({}, { runtime }).message!, /there is no libonnxruntime_providers_shared\.so in/);
    });
  },
);
