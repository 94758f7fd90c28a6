import { UserError } from "../../errors.js";
import { request, withoutCredentials, type Remote } from "./download.js";

/** A project's page in the simple API of Python package indexes, as JSON (PEP 691). */
export interface ProjectPage {
  readonly files: readonly {
    readonly filename: string;
    readonly url: string;
    readonly hashes: Readonly<Record<string, string>>;
  }[];
}

const PROJECT = "onnxruntime-gpu";

/** The index that pip would ask, too. */
export const indexUrl = (environment: NodeJS.ProcessEnv): string =>
  (environment.PIP_INDEX_URL ?? "https://pypi.org/simple").replace(/\/+$/, "");

/** The wheel of `onnxruntime-gpu` of that version for Linux. */
export async function findWheel(version: string, index: string, signal?: AbortSignal): Promise<Remote> {
  const url = `${index}/${PROJECT}/`;
  const response = await request(url, {
    headers: { accept: "application/vnd.pypi.simple.v1+json" },
    ...(signal ? { signal } : {}),
  });
  let page: Partial<ProjectPage>;
  try {
    page = (await response.json()) as Partial<ProjectPage>;
  } catch {
    throw new UserError(
      `${withoutCredentials(url)} does not answer in JSON (PEP 691); name another index in PIP_INDEX_URL.`,
    );
  }
  return chooseWheel({ files: page.files ?? [] }, version, url);
}

/** Any Python's wheel will do, as the provider is the same in all: the last is the newest Python's. */
export function chooseWheel(
  { files }: ProjectPage,
  version: string,
  url: string,
  arch: string = process.arch,
): Remote {
  const machine = arch === "arm64" ? "aarch64" : "x86_64";
  const wheels = files
    .map((file) => ({ ...file, parts: file.filename.split("-") }))
    .filter(({ parts, filename }) => parts[0] === "onnxruntime_gpu" && filename.endsWith(`_${machine}.whl`));
  const fitting = wheels.filter(({ parts, filename }) => parts[1] === version && filename.includes("linux"));
  const wheel = fitting.at(-1);
  const checksum = wheel?.hashes.sha256;
  if (wheel === undefined || checksum === undefined) {
    const versions = [...new Set(wheels.map(({ parts }) => parts[1]!))].slice(-3);
    const others = versions.length === 0 ? "" : ` (the last ones there are ${versions.join(", ")})`;
    throw new UserError(
      `There is no wheel of ${PROJECT} ${version} for Linux on ${machine} at ${withoutCredentials(url)}${others}; give another --from.`,
    );
  }
  // An index may give addresses relative to its page.
  return { url: new URL(wheel.url, url).href, algorithm: "sha256", checksum };
}
