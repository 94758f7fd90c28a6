import { createHash } from "node:crypto";
import { existsSync, readFileSync, statSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { UserError } from "../errors.js";
import { readSafetensorsFile, type SafetensorsFile } from "./file.js";
import type { Entry } from "./header.js";
import { parseStrictJson } from "./json.js";

/** What names a checkpoint wherever it is measured: a cell's process opens it anew. */
export interface CheckpointRef {
  /** Absolute path. */
  readonly folder: string;
  /** The folder's own name. */
  readonly name: string;
  /** Of its files' lengths and headers and a few bytes of every tensor. */
  readonly hash: string;
}

/** Where a tensor is. */
export type StoredTensor = Entry & { readonly path: string };

/** A folder as `save_pretrained` writes it, its headers read and its tensors found. */
export interface Checkpoint extends CheckpointRef {
  readonly tensors: ReadonlyMap<string, StoredTensor>;
}

const SINGLE = "model.safetensors";
const INDEX = "model.safetensors.index.json";

/** Opens the safetensors of a folder: one file, or several and their index. Nothing of it is executed. */
export function openCheckpoint(folder: string): Checkpoint {
  const path = resolve(folder);
  if (!existsSync(path) || !statSync(path).isDirectory())
    throw new UserError(`${folder} is not a folder; give the folder of a checkpoint`);
  const files = filesOf(path);
  const tensors = new Map<string, StoredTensor>();
  for (const file of files)
    for (const entry of file.entries) {
      const other = tensors.get(entry.name);
      if (other) throw new UserError(`the tensor ${entry.name} is in both ${other.path} and ${file.path}`);
      tensors.set(entry.name, { ...entry, path: file.path });
    }
  const hash = createHash("sha256");
  for (const { sha256 } of files) hash.update(sha256);
  return { folder: path, name: basename(path), hash: hash.digest("hex").slice(0, 12), tensors };
}

/** transformers takes the single file where there are both. */
function filesOf(folder: string): SafetensorsFile[] {
  if (existsSync(join(folder, SINGLE))) return [readSafetensorsFile(join(folder, SINGLE))];
  if (existsSync(join(folder, INDEX))) return shardsOf(folder);
  const pickle =
    existsSync(join(folder, "pytorch_model.bin")) || existsSync(join(folder, "pytorch_model.bin.index.json"));
  throw new UserError(
    pickle
      ? `${folder} has pytorch_model.bin, which only running its code could read; convert it to safetensors (save_pretrained of transformers writes them)`
      : `${folder} has neither ${SINGLE} nor ${INDEX}`,
  );
}

function shardsOf(folder: string): SafetensorsFile[] {
  const index = join(folder, INDEX);
  const map = weightMap(parseStrictJson(readFileSync(index, "utf8"), index), index);
  const shards = [...new Set(map.values())].sort();
  const missing = shards.filter((shard) => !existsSync(join(folder, shard)));
  if (missing.length > 0)
    throw new UserError(
      `${index} names ${missing[0]!}${missing.length > 1 ? ` and ${missing.length - 1} more files` : ""}, which the folder lacks`,
    );
  const files = shards.map((shard) => readSafetensorsFile(join(folder, shard)));
  const held = new Map(shards.map((shard, i) => [shard, new Set(files[i]!.entries.map(({ name }) => name))]));
  for (const [name, shard] of map)
    if (!held.get(shard)!.has(name))
      throw new UserError(`${index} says that ${name} is in ${shard}, which lacks it`);
  return files;
}

/** Which file each tensor is in. A path must stay inside the folder: an index comes from others. */
function weightMap(json: unknown, index: string): Map<string, string> {
  const map = (json as { weight_map?: unknown } | null)?.weight_map;
  if (typeof map !== "object" || map === null || Array.isArray(map))
    throw new UserError(`${index} has no weight_map from tensors to files`);
  const entries = Object.entries(map) as [string, unknown][];
  for (const [name, file] of entries)
    if (typeof file !== "string" || !/^[^/\\\0]+\.safetensors$/.test(file))
      throw new UserError(
        `${index} says that ${name} is in ${JSON.stringify(file)}; it must be a .safetensors file in the same folder`,
      );
  return new Map(entries as [string, string][]);
}
