import { existsSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { UserError } from "../../errors.js";

/** Where a CUDA execution provider may be taken from. */
export type Source =
  | { readonly kind: "wheel" }
  | { readonly kind: "nuget" }
  /** A package as `npm install` would be told: "name" or "name@version". */
  | { readonly kind: "npm"; readonly spec: string }
  /** A folder, or a file that is a zip (.whl, .nupkg) or a tarball. */
  | { readonly kind: "path"; readonly path: string };

/** The package that was tried with ONNX Runtime 1.29.0: Microsoft's files as they are, for CUDA 13. */
export const NPM_PACKAGE = "com.github.asus4.onnxruntime.linux-x64-gpu@0.4.9";

/** "wheel", "nuget", "npm", "npm:NAME[@VERSION]" or a path that exists. */
export function parseSource(text: string): Source {
  if (text === "wheel" || text === "nuget") return { kind: text };
  if (text === "npm") return { kind: "npm", spec: NPM_PACKAGE };
  if (text.startsWith("npm:")) return { kind: "npm", spec: packageSpec(text.slice("npm:".length)) };
  if (existsSync(text)) {
    if (statSync(text).isDirectory() || /\.(whl|zip|nupkg|tgz|tar\.gz)$/.test(text))
      return { kind: "path", path: resolve(text) };
    throw new UserError(`--from ${text}: a file must be a .whl, .nupkg, .zip, .tgz or .tar.gz.`);
  }
  throw new UserError(
    `--from ${text}: there is no such file or folder; give wheel, nuget, npm, npm:NAME[@VERSION] or a path.`,
  );
}

/** npm would take an option, a folder or a URL here, too. */
function packageSpec(spec: string): string {
  if (!/^(@[\w.~-]+\/)?[\w.][\w.~-]*(@[\w.^~<>=*+ -]+)?$/.test(spec))
    throw new UserError(
      `--from npm:${spec}: this is not the name of an npm package; write npm:NAME[@VERSION].`,
    );
  return spec;
}
