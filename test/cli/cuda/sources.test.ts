import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { findPackage, tarballOf } from "../../../src/cli/cuda/npm-package.js";
import { runInstaller } from "../../../src/cli/cuda/nuget.js";
import { chooseWheel, findWheel, indexUrl } from "../../../src/cli/cuda/pypi.js";
import { parseSource } from "../../../src/cli/cuda/source.js";
import { serve } from "../../support/serve.js";

const folder = mkdtempSync(join(tmpdir(), "ssm-scope-sources-"));
after(() => {
  rmSync(folder, { recursive: true });
});

test("a source is named by a word, an npm package or a path", () => {
  assert.deepEqual(parseSource("wheel"), { kind: "wheel" });
  assert.deepEqual(parseSource("nuget"), { kind: "nuget" });
  assert.deepEqual(parseSource("npm"), {
    kind: "npm",
    spec: "com.github.asus4.onnxruntime.linux-x64-gpu@0.4.9",
  });
  for (const spec of ["left-pad", "@scope/name@1.2.3", "name@^1.0.0"])
    assert.deepEqual(parseSource(`npm:${spec}`), { kind: "npm", spec });
  const wheel = join(folder, "x.whl");
  writeFileSync(wheel, "");
  assert.deepEqual(parseSource(wheel), { kind: "path", path: wheel });
  assert.deepEqual(parseSource(folder), { kind: "path", path: folder });

  const text = join(folder, "x.txt");
  writeFileSync(text, "");
  const refused = (source: string, message: RegExp): void => {
    assert.throws(() => parseSource(source), { name: "UserError", message });
  };
  refused(text, /x\.txt: a file must be a \.whl, \.nupkg, \.zip, \.tgz or \.tar\.gz\./);
  refused(
    "pip",
    /--from pip: there is no such file or folder; give wheel, nuget, npm, npm:NAME\[@VERSION\] or a path\./,
  );
  for (const spec of ["npm:", "npm:--registry=http://x", "npm:../folder", "npm:https://x/y.tgz", "npm:a b"])
    refused(spec, /this is not the name of an npm package/);
});

// The names of onnxruntime-gpu's files on PyPI, cut short.
const FILES = [
  "onnxruntime_gpu-1.24.4-cp312-cp312-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl",
  "onnxruntime_gpu-1.29.0-cp311-cp311-manylinux_2_28_x86_64.whl",
  "onnxruntime_gpu-1.29.0-cp311-cp311-win_amd64.whl",
  "onnxruntime_gpu-1.29.0-cp312-cp312-manylinux_2_28_x86_64.whl",
  "onnxruntime_gpu-1.29.0-cp312-cp312-manylinux_2_34_aarch64.whl",
  "onnxruntime_gpu-1.30.0-cp312-cp312-manylinux_2_28_x86_64.whl",
].map((filename) => ({
  filename,
  url: `../../packages/${filename}`,
  hashes: { sha256: `hash of ${filename}` },
}));
const INDEX = "https://pypi.org/simple/onnxruntime-gpu/";

test("the wheel is of the version and the machine, and its address is taken relative to the page", () => {
  const of = (version: string, arch: string) => chooseWheel({ files: FILES }, version, INDEX, arch);
  assert.deepEqual(of("1.29.0", "x64"), {
    url: "https://pypi.org/packages/onnxruntime_gpu-1.29.0-cp312-cp312-manylinux_2_28_x86_64.whl",
    algorithm: "sha256",
    checksum: "hash of onnxruntime_gpu-1.29.0-cp312-cp312-manylinux_2_28_x86_64.whl",
  });
  assert.match(of("1.29.0", "arm64").url, /aarch64\.whl$/);
  assert.throws(() => of("1.28.1", "x64"), {
    name: "UserError",
    message:
      "There is no wheel of onnxruntime-gpu 1.28.1 for Linux on x86_64 at https://pypi.org/simple/onnxruntime-gpu/ " +
      "(the last ones there are 1.24.4, 1.29.0, 1.30.0); give another --from.",
  });
  assert.throws(() => of("1.30.0", "arm64"), /\(the last ones there are 1\.29\.0\)/);
  assert.throws(() => chooseWheel({ files: [] }, "1.29.0", INDEX), /at \S+; give another --from/);
  const { hashes: _, ...file } = FILES[1]!;
  assert.throws(() => chooseWheel({ files: [{ ...file, hashes: {} }] }, "1.29.0", INDEX, "x64"), /no wheel/);
});

test("the index is pip's", () => {
  assert.equal(indexUrl({}), "https://pypi.org/simple");
  assert.equal(indexUrl({ PIP_INDEX_URL: "https://mirror/simple/" }), "https://mirror/simple");
});

test("an index that is not there, refuses or speaks HTML is one sentence", async () => {
  const of = (status: number, body: string): Promise<unknown> =>
    serve(
      (request, response) => {
        assert.equal(request.headers.accept, "application/vnd.pypi.simple.v1+json");
        response.writeHead(status).end(body);
      },
      (url) => findWheel("1.29.0", url),
    );
  await assert.rejects(of(404, ""), {
    name: "UserError",
    message: /\/onnxruntime-gpu\/ answers 404 Not Found\.$/,
  });
  await assert.rejects(of(200, "<html>"), {
    name: "UserError",
    message: /does not answer in JSON \(PEP 691\)/,
  });
  await assert.rejects(of(200, "{}"), {
    name: "UserError",
    message: /There is no wheel of onnxruntime-gpu 1\.29\.0/,
  });
  const gone = await serve(
    () => undefined,
    (url) => Promise.resolve(url),
  );
  await assert.rejects(findWheel("1.29.0", gone), {
    name: "UserError",
    message: /cannot be had \(ECONNREFUSED\); get the file/,
  });
});

test("an index with a name and a password is asked with them, and they are not shown", async () => {
  await serve(
    ({ headers }, response) => {
      assert.equal(headers.authorization, `Basic ${Buffer.from("me:se cret").toString("base64")}`);
      response.writeHead(403).end();
    },
    async (url) => {
      const secret = url.replace("//", "//me:se%20cret@");
      await assert.rejects(findWheel("1.29.0", secret), {
        name: "UserError",
        message: `${url}/onnxruntime-gpu/ answers 403 Forbidden.`,
      });
    },
  );
  await assert.rejects(findWheel("1.29.0", "mirror"), { message: '"mirror/onnxruntime-gpu/" is not a URL.' });
});

test("npm's answer gives tarball and checksum, of a range the newest", () => {
  const sha = Buffer.alloc(64, 7);
  const dist = { tarball: "https://r/x.tgz", integrity: `sha512-${sha.toString("base64")}` };
  assert.deepEqual(tarballOf(JSON.stringify({ dist }), "x"), {
    url: "https://r/x.tgz",
    algorithm: "sha512",
    checksum: sha.toString("hex"),
  });
  const old = { dist: { tarball: "https://r/old.tgz", shasum: "ab" } };
  assert.equal(tarballOf(JSON.stringify([old, { dist }]), "x").url, "https://r/x.tgz");
  assert.deepEqual(tarballOf(JSON.stringify(old), "x"), {
    url: "https://r/old.tgz",
    algorithm: "sha1",
    checksum: "ab",
  });
  assert.throws(() => tarballOf("", "x"), { name: "UserError", message: /npm knows no package x/ });
  assert.throws(() => tarballOf('{"dist":{"tarball":"u"}}', "x"), /no checksum/);
});

test("the registry that npm is set to is asked, and its refusal is one sentence", async () => {
  const asked: string[] = [];
  await serve(
    (request, response) => {
      asked.push(request.url!);
      const known = request.url === "/known";
      const manifest = { name: "known", version: "1.0.0", dist: { tarball: "http://r/k.tgz", shasum: "ab" } };
      response.writeHead(known ? 200 : 404, { "content-type": "application/json" });
      response.end(
        JSON.stringify(
          known ? { name: "known", "dist-tags": { latest: "1.0.0" }, versions: { "1.0.0": manifest } } : {},
        ),
      );
    },
    async (url) => {
      process.env.npm_config_registry = url;
      process.env.npm_config_cache = join(folder, "npm-cache");
      try {
        assert.equal((await findPackage("known@1.0.0")).url, "http://r/k.tgz");
        await assert.rejects(findPackage("unknown"), {
          name: "UserError",
          message: /^npm does not give unknown: Not Found - GET http:\S+\/unknown\.$/,
        });
      } finally {
        delete process.env.npm_config_registry;
        delete process.env.npm_config_cache;
      }
    },
  );
  assert.ok(asked.includes("/known"));
});

/** A package of the shape of onnxruntime-node, whose installer runs `code`. */
function packageWith(name: string, code: string): string {
  const root = join(folder, name);
  mkdirSync(join(root, "script"), { recursive: true });
  writeFileSync(join(root, "package.json"), "{}");
  writeFileSync(join(root, "script", "install.js"), code);
  return root;
}

test(
  "onnxruntime-node's installer runs from a copy, and its failure is one sentence",
  { skip: process.arch !== "x64" },
  async () => {
    const stage = join(folder, "stage");
    const good = packageWith(
      "good",
      `const { join } = require("path"), { writeFileSync } = require("fs");
     writeFileSync(join(__dirname, "../bin/napi-v6/linux/x64/libfile.so"), process.env.ONNXRUNTIME_NODE_INSTALL);`,
    );
    assert.equal(await runInstaller(stage, good), join(stage, "bin/napi-v6/linux/x64"));
    assert.equal(readFileSync(join(stage, "bin/napi-v6/linux/x64/libfile.so"), "utf8"), "cuda12");
    assert.ok(!existsSync(join(good, "bin")), "the package itself is left alone");

    const bad = packageWith("bad", `void Promise.reject(new Error("getaddrinfo ENOTFOUND api.nuget.org"));`);
    await assert.rejects(runInstaller(join(folder, "stage-2"), bad), {
      name: "UserError",
      message:
        "onnxruntime-node's installer does not get the provider from NuGet (getaddrinfo ENOTFOUND api.nuget.org); use --from wheel.",
    });
    await assert.rejects(
      runInstaller(join(folder, "stage-3"), folder),
      /has no script\/install\.js; use --from wheel/,
    );
  },
);
