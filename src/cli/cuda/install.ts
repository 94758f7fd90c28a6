import { chmodSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { UserError } from "../../errors.js";
import { NativeError, openRuntime, type Runtime } from "../../ort/index.js";
import { assertCudaBuild, assertPlatform, assertProvider } from "../../ort/cuda/open.js";
import {
  missingProviderFiles,
  PROVIDER_FILES,
  providerFolder,
  readProvider,
  type Provider,
} from "../../ort/cuda/provider.js";
import { onnxruntimeNodeRoot } from "../../ort/library.js";
import { download, withoutCredentials, type Remote, type Watch } from "./download.js";
import { findPackage } from "./npm-package.js";
import { runInstaller } from "./nuget.js";
import { findWheel, indexUrl } from "./pypi.js";
import type { Source } from "./source.js";
import { unpack } from "./unpack.js";

/** What an installation did, and whether what is there now can be used. */
export interface Installation {
  /** Where the provider is: the folder of the runtime library. */
  readonly folder: string;
  /** ONNX Runtime's version, which is the provider's. */
  readonly version: string;
  /** CUDA version that the provider was built for. */
  readonly cuda_major: number;
  /** False when it was there before. */
  readonly installed: boolean;
  /** The GPU that can be used now, or null. */
  readonly device: string | null;
  /** What keeps it from being used, or null. */
  readonly problem: string | null;
}

export interface InstallOptions extends Watch {
  /** Install even when the right provider is there. */
  readonly force?: boolean;
  /** Told what is done next. */
  readonly onStep?: (text: string) => void;
}

/** Puts the CUDA execution provider of the runtime's own version beside the runtime library, and tries it. */
export async function installProvider(source: Source, options: InstallOptions = {}): Promise<Installation> {
  assertPlatform(process.platform, process.arch);
  const runtime = openRuntime();
  const { library, version } = runtime;
  assertCudaBuild(runtime.providers(), version, library);
  const folder = providerFolder(library);
  const there = options.force ? null : installedProvider(library, version);
  const provider = there ?? (await install(source, folder, version, options));
  return {
    folder,
    version,
    cuda_major: provider.cudaMajor!,
    installed: there === null,
    ...tryIt(runtime),
  };
}

/** The provider that is there, when it is complete and of the right version. */
function installedProvider(library: string, version: string): Provider | null {
  if (missingProviderFiles(library).length > 0) return null;
  const provider = readProvider(join(providerFolder(library), PROVIDER_FILES[0]), version);
  return provider?.version === version && provider.cudaMajor !== null ? provider : null;
}

/** All happens in a folder beside the place: files come to it whole, by renaming, or not at all. */
async function install(
  source: Source,
  folder: string,
  version: string,
  options: InstallOptions,
): Promise<Provider> {
  const stage = makeStage(folder);
  try {
    await unpack(await obtain(source, version, stage, options), stage);
    const path = join(stage, PROVIDER_FILES[0]);
    const { provider } = checked(readProvider(path, version), path, version, source);
    // The one that ONNX Runtime looks for comes last: there is no moment with half a provider.
    for (const name of [...PROVIDER_FILES].reverse()) {
      chmodSync(join(stage, name), 0o755);
      renameSync(join(stage, name), join(folder, name));
    }
    return provider;
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
}

/** A folder of our own in the place itself, so that files get there by renaming; it is removed at the end. */
function makeStage(folder: string): string {
  try {
    return mkdtempSync(join(folder, ".ssm-scope-cuda-"));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UserError(
      `${folder}, where ONNX Runtime looks for the provider, cannot be written (${code}); run as its owner, or name ` +
        "a copy of the library in SSM_SCOPE_ORT.",
    );
  }
}

/** The file or folder that the provider is in. */
async function obtain(
  source: Source,
  version: string,
  stage: string,
  { onStep, ...watch }: InstallOptions,
): Promise<string> {
  const fetched = async (remote: Remote): Promise<string> => {
    onStep?.(withoutCredentials(remote.url));
    const file = join(stage, basename(new URL(remote.url).pathname));
    await download(remote, file, watch);
    return file;
  };
  switch (source.kind) {
    case "path":
      return source.path;
    case "wheel":
      return fetched(await findWheel(version, indexUrl(process.env), watch.signal));
    case "npm":
      return fetched(await findPackage(source.spec, watch.signal));
    case "nuget": {
      const root = onnxruntimeNodeRoot();
      if (root === null)
        throw new UserError("--from nuget needs the npm package onnxruntime-node; use --from wheel.");
      onStep?.("NuGet, through onnxruntime-node's installer");
      return runInstaller(join(stage, "nuget"), root, watch.signal);
    }
  }
}

/** As assertProvider, but in the words of one who chose a source. */
function checked(provider: Provider | null, path: string, version: string, source: Source) {
  const from = source.kind === "path" ? source.path : source.kind === "npm" ? source.spec : source.kind;
  if (provider?.cudaMajor == null)
    throw new UserError(
      `${basename(path)} from ${from} is not a CUDA execution provider for this machine (${process.arch}).`,
    );
  if (provider.version !== null && provider.version !== version)
    throw new UserError(
      `The provider from ${from} is of version ${provider.version}, but the ONNX Runtime here is ${version}; ` +
        `give a source of version ${version}.`,
    );
  return assertProvider(provider, path, version);
}

/** Opens the first GPU as a measurement does: driver, provider, libraries, and a session that computes nothing. */
function tryIt(runtime: Runtime): { device: string | null; problem: string | null } {
  try {
    const { name, cuda } = runtime.device("cuda", 0);
    const gib = (cuda!.totalBytes / 2 ** 30).toFixed(1);
    return { device: `${name} (compute capability ${cuda!.computeCapability}, ${gib} GiB)`, problem: null };
  } catch (error) {
    if (!(error instanceof UserError || error instanceof NativeError)) throw error;
    return { device: null, problem: error.message };
  }
}
