import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { UserError } from "../../errors.js";

/** A file on the network, and the checksum that its index gives. */
export interface Remote {
  readonly url: string;
  readonly algorithm: "sha256" | "sha512" | "sha1";
  /** In hexadecimal. */
  readonly checksum: string;
}

/** How a download goes on. */
export interface Watch {
  readonly signal?: AbortSignal;
  /** @param total bytes in all, or null where the server does not say */
  readonly onBytes?: (done: number, total: number | null) => void;
}

/** The answer to a request that succeeded; one sentence where the server cannot be reached, or refuses. */
export async function request(url: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  const authorization = authorizationIn(url);
  if (authorization !== null) headers.set("authorization", authorization);
  let response: Response;
  try {
    response = await fetch(withoutCredentials(url), { ...init, headers });
  } catch (error) {
    throw networkError(url, error);
  }
  if (!response.ok)
    throw new UserError(
      `${withoutCredentials(url)} answers ${`${response.status} ${response.statusText}`.trim()}.`,
    );
  return response;
}

/** The address as it may be shown: an index's may hold a name and a password, which fetch does not take there, either. */
export function withoutCredentials(url: string): string {
  const parsed = parseUrl(url);
  parsed.username = parsed.password = "";
  return parsed.href;
}

function authorizationIn(url: string): string | null {
  const { username, password } = parseUrl(url);
  if (username === "" && password === "") return null;
  const plain = [username, password].map(decodeURIComponent).join(":");
  return `Basic ${Buffer.from(plain).toString("base64")}`;
}

function parseUrl(url: string): URL {
  try {
    return new URL(url);
  } catch {
    throw new UserError(`"${url}" is not a URL.`);
  }
}

/** Writes the file, and makes sure that it is the one that was meant. What is wrong or cut off is not left usable. */
export async function download(remote: Remote, file: string, { signal, onBytes }: Watch = {}): Promise<void> {
  const { body, headers } = await request(remote.url, signal ? { signal } : {});
  const length = headers.get("content-length");
  const total = length === null ? null : Number(length);
  const hash = createHash(remote.algorithm);
  let done = 0;
  const bytes = Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0]);
  try {
    await pipeline(
      bytes,
      async function* (chunks: AsyncIterable<Buffer>) {
        for await (const chunk of chunks) {
          hash.update(chunk);
          onBytes?.((done += chunk.length), total);
          yield chunk;
        }
      },
      createWriteStream(file),
      ...(signal ? [{ signal }] : []),
    );
  } catch (error) {
    // Trouble with our own file has a path; the command says what it is.
    if (error instanceof Error && "path" in error) throw error;
    throw networkError(remote.url, error);
  }
  const checksum = hash.digest("hex");
  if (checksum !== remote.checksum)
    throw new UserError(
      `${withoutCredentials(remote.url)} is not the file that its index names: its ${remote.algorithm} is ${checksum}, not ` +
        `${remote.checksum}; try again.`,
    );
}

function networkError(url: string, error: unknown): Error {
  if (error instanceof Error && error.name === "AbortError") return error;
  const { message, cause } = error as Error;
  const { code, message: reason } = (cause ?? {}) as { code?: string; message?: string };
  return new UserError(
    `${withoutCredentials(url)} cannot be had (${code ?? reason ?? message}); get the file by other means and give it to --from.`,
  );
}
