import { InvalidArgumentError } from "commander";

/** Token counts as people write them: 512, 8192, 8K. */
export function parseLength(text: string): number {
  const match = /^(-?\d+)(k?)$/i.exec(text.trim());
  if (!match) throw new InvalidArgumentError(`"${text}" is not a number of tokens; write e.g. 512 or 8K.`);
  return Number(match[1]) * (match[2] ? 1024 : 1);
}

/** A list of token counts: 128,256,1K. */
export const parseLengths = (text: string): number[] => text.split(",").map(parseLength);

export function parseCount(text: string): number {
  if (!/^-?\d+$/.test(text.trim())) throw new InvalidArgumentError(`"${text}" is not a whole number.`);
  return Number(text);
}

/** A list of names: fp16,fp32. */
export const parseList = (text: string): string[] =>
  text
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
