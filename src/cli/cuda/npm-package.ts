import { execFile, type ExecFileException } from "node:child_process";
import { promisify } from "node:util";
import { UserError } from "../../errors.js";
import type { Remote } from "./download.js";

const run = promisify(execFile);

/** What `npm view NAME name version dist --json` prints for one version. */
interface Manifest {
  readonly name?: string;
  readonly version?: string;
  readonly dist?: { readonly tarball?: string; readonly integrity?: string; readonly shasum?: string };
}

/** The tarball of a package. npm is asked, as it knows the user's registry. */
export async function findPackage(spec: string, signal?: AbortSignal): Promise<Remote> {
  return tarballOf(await npmView(spec, signal), spec);
}

async function npmView(spec: string, signal?: AbortSignal): Promise<string> {
  const options = { maxBuffer: 64 * 1024 * 1024, ...(signal ? { signal } : {}) };
  try {
    const { stdout } = await run("npm", ["view", spec, "name", "version", "dist", "--json"], options);
    return stdout;
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new UserError(`npm does not give ${spec}: ${reasonOf(error as ExecFileException)}.`);
  }
}

/** npm prints its error as JSON, or in lines that begin with "npm error". */
function reasonOf({ code, stdout = "", stderr = "" }: ExecFileException): string {
  if (code === "ENOENT") return "there is no npm on PATH";
  try {
    const { summary } = (JSON.parse(stdout) as { error?: { summary?: string } }).error ?? {};
    if (summary) return summary.split("\n")[0]!.replace(/\.$/, "");
  } catch {
    // Not JSON: the lines on standard error say it.
  }
  const line = stderr.split("\n").find((text) => /^npm (error|ERR!)/.test(text) && !/ code /.test(text));
  return line?.replace(/^npm (error|ERR!) /, "").replace(/\.$/, "") ?? "it fails without a word";
}

/** Of several versions that a range allows, npm lists the newest last. */
export function tarballOf(json: string, spec: string): Remote {
  let answer: Manifest | Manifest[];
  try {
    answer = JSON.parse(json) as Manifest | Manifest[];
  } catch {
    answer = [];
  }
  const dist = (Array.isArray(answer) ? answer.at(-1) : answer)?.dist;
  if (dist?.tarball === undefined)
    throw new UserError(`npm knows no package ${spec}; write npm:NAME[@VERSION].`);
  const sha512 = /sha512-([\w+/=]+)/.exec(dist.integrity ?? "")?.[1];
  if (sha512 !== undefined)
    return {
      url: dist.tarball,
      algorithm: "sha512",
      checksum: Buffer.from(sha512, "base64").toString("hex"),
    };
  if (dist.shasum === undefined)
    throw new UserError(`npm gives no checksum for ${spec}; give another --from.`);
  return { url: dist.tarball, algorithm: "sha1", checksum: dist.shasum };
}
