import { existsSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { UserError } from "../errors.js";
import { differenceOf, modelFromConfig, type Model } from "../models/index.js";
import { parseStrictJson } from "./json.js";

const CONFIG = "config.json";

/** The model of a config.json, or of the one in a folder; it is named after the folder. */
export function readConfig(path: string): Model {
  if (!existsSync(path))
    throw new UserError(`${path}: there is no such file or folder; give a ${CONFIG}, or its folder`);
  const file = statSync(path).isDirectory() ? join(path, CONFIG) : path;
  if (!existsSync(file)) throw new UserError(`${path} has no ${CONFIG}`);
  const json = parseStrictJson(quoteInfinities(readFileSync(file, "utf8")), file);
  try {
    return modelFromConfig(json, nameOf(resolve(file)));
  } catch (error) {
    if (error instanceof UserError) throw new UserError(`${file}: ${error.message}`);
    throw error;
  }
}

/** A file of another name than config.json is named for what it holds. */
const nameOf = (file: string): string =>
  basename(file) === CONFIG ? dirname(file) : basename(file).replace(/\.json$/, "");

/** Python writes Infinity, which is no JSON; transformers 5 writes it as here. */
const quoteInfinities = (text: string): string =>
  text.replaceAll(/"(?:[^"\\]|\\.)*"|-?Infinity|NaN/g, (token) =>
    token.startsWith('"') ? token : `{"__float__": "${token}"}`,
  );

/** Refuses a checkpoint whose config.json, if it has one, is of another model. */
export function assertSameConfig(folder: string, model: Model): void {
  if (!existsSync(join(folder, CONFIG))) return;
  const difference = differenceOf(readConfig(folder), model);
  if (difference !== null)
    throw new UserError(`${join(folder, CONFIG)} is not of ${model.name}: ${difference}`);
}
