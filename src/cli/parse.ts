import { InvalidArgumentError } from "commander";
import { bytesOf, shareOf, tokensOf } from "../run/units.js";

/** Token counts as people write them: 512, 8192, 8K. */
export function parseLength(text: string): number {
  const tokens = tokensOf(text);
  if (tokens !== null) return tokens;
  throw new InvalidArgumentError(`"${text}" is not a number of tokens; write e.g. 512 or 8K.`);
}

/** A list of token counts: 128,256,1K. */
export const parseLengths = (text: string): number[] => text.split(",").map(parseLength);

export function parseCount(text: string): number {
  if (!/^-?\d+$/.test(text.trim())) throw new InvalidArgumentError(`"${text}" is not a whole number.`);
  return Number(text);
}

export function parsePositive(text: string): number {
  const number = Number(text);
  if (!(number > 0 && number < Infinity))
    throw new InvalidArgumentError(`"${text}" is not a number above 0.`);
  return number;
}

export function parseSeconds(text: string): number {
  const number = Number(text);
  if (text.trim() === "" || !(number >= 0 && number < Infinity))
    throw new InvalidArgumentError(`"${text}" is not a number of seconds, 0 or more.`);
  return number;
}

/** Sizes as people write them: 8GiB, 24GB, 4096MiB. */
export function parseBytes(text: string): number {
  const bytes = bytesOf(text);
  if (bytes !== null) return bytes;
  throw new InvalidArgumentError(`"${text}" is not a size; write e.g. 8GiB, 24GB or a number of bytes.`);
}

/** key=value, gathered over repeated options. */
export function collectOption(text: string, earlier: Record<string, string> = {}): Record<string, string> {
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError(`"${text}" is not of the form key=value.`);
  return { ...earlier, [text.slice(0, at)]: text.slice(at + 1) };
}

/** The values of an option that may be repeated. */
export const collect = (text: string, earlier: string[] = []): string[] => [...earlier, text];

/** A list of names: fp16,fp32. */
export const parseList = (text: string): string[] =>
  text
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");

/** A share as people write it: 2% or 0.02. */
export function parseShare(text: string): number {
  const share = shareOf(text);
  if (!(share !== null && share > 0 && share < 1))
    throw new InvalidArgumentError(`"${text}" is not a share between 0 and 1; write e.g. 2% or 0.02.`);
  return share;
}
