import { Command } from "commander";
import { interruptible } from "./exit.js";

const HELP = `
Sources, all for Linux; the version must be that of the runtime library (\`ssm-scope doctor\` shows both):
  wheel               onnxruntime-gpu from PyPI (or PIP_INDEX_URL); 1.27 and newer are for CUDA 13 (default)
  nuget               onnxruntime-node's own installer, which names it CUDA 12; x64
  npm                 the package com.github.asus4.onnxruntime.linux-x64-gpu@0.4.9: 1.29.0 for CUDA 13; x64
  npm:NAME[@VERSION]  another package
  PATH                a folder, .whl, .nupkg, .zip or .tgz

The provider also needs CUDA's own libraries and cuDNN 9, for example
  pip install nvidia-cublas~=13.0 nvidia-cuda-runtime~=13.0 nvidia-curand~=10.0 nvidia-cufft~=12.0 nvidia-cudnn-cu13

For a driver or GPU that ends at CUDA 12, use a build of ONNX Runtime that brings its own provider:
  pip install onnxruntime-gpu==1.26.0
  export SSM_SCOPE_ORT=.../site-packages/onnxruntime/capi/libonnxruntime.so.1.26.0

Exits with 0 once the provider is in place, also when no GPU can use it yet; it says which.

Example:
  ssm-scope cuda install && ssm-scope doctor`;

export function cudaCommand(): Command {
  return new Command("cuda")
    .description("make measuring on an NVIDIA GPU possible")
    .addCommand(
      new Command("install")
        .description("put the CUDA execution provider beside the ONNX Runtime library, and try it")
        .option(
          "--from <source>",
          "where to take it from: wheel, nuget, npm, npm:NAME[@VERSION] or a path",
          "wheel",
        )
        .option("--force", "replace a provider that is there")
        .option("--json", "say what was done as JSON, for programs")
        .addHelpText("after", HELP)
        .action(install),
    );
}

async function install({ from, force, json }: { from: string; force?: true; json?: true }): Promise<void> {
  const [{ parseSource }, { installProvider }, { showDownload }] = await Promise.all([
    import("./cuda/source.js"),
    import("./cuda/install.js"),
    import("./cuda/show-download.js"),
  ]);
  const source = parseSource(from);
  const download = showDownload(process.stderr);
  const done = await interruptible(async (signal) => {
    try {
      return await installProvider(source, { signal, force: force ?? false, ...download });
    } finally {
      download.stop();
    }
  });
  if (json) {
    console.log(JSON.stringify(done, null, 2));
    return;
  }
  const provider = `CUDA execution provider ${done.version} for CUDA ${done.cuda_major}`;
  console.log(`${provider} ${done.installed ? "is now" : "was already"} in ${done.folder}`);
  console.log(done.device ? `It can use ${done.device}.` : `It cannot be used yet: ${done.problem}`);
}
