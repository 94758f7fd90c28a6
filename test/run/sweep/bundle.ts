/** One file of a script and all that it imports: it starts in a tenth of the time that a loader of TypeScript takes. */
import { createRequire } from "node:module";
import { basename, join } from "node:path";

interface Bundler {
  build(options: Record<string, unknown>): Promise<unknown>;
}

/** @returns the path of the bundle, in `folder` */
export async function bundle(script: string, folder: string): Promise<string> {
  // What tsx itself compiles with.
  const esbuild = createRequire(createRequire(import.meta.url).resolve("tsx"))("esbuild") as Bundler;
  const outfile = join(folder, basename(script).replace(/\.ts$/, ".mjs"));
  await esbuild.build({
    entryPoints: [script],
    outfile,
    bundle: true,
    platform: "node",
    target: "node20",
    format: "esm",
    external: ["koffi", "danfojs-node", "@duckdb/node-api", "cli-progress", "onnxruntime-node"],
    banner: {
      js: 'import { createRequire as ofNode } from "node:module"; const require = ofNode(import.meta.url);',
    },
    logLevel: "error",
  });
  return outfile;
}
