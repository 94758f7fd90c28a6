/** Numbers and names as figures print them. Fixed to en-US, so that every machine prints the same. */

const INTEGER = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

/** Three significant digits below 1000, whole numbers with separators above: 0.0138, 12.0, 491, 1,300. */
export function formatNumber(value: number): string {
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size < 0.001) return value.toExponential(2);
  return size < 999.5 ? value.toPrecision(3) : INTEGER.format(value);
}

/** Prompt lengths: 32,768. */
export const formatTokens = (tokens: number): string => INTEGER.format(tokens);

/** Where there is little room, in units of 1,024 where that is a whole number: 32K. */
export const shortTokens = (tokens: number): string =>
  tokens > 0 && tokens % 1024 === 0 ? `${INTEGER.format(tokens / 1024)}K` : formatTokens(tokens);

/** How the makers write the names of their lines. */
const LINES: readonly (readonly [prefix: string, written: string])[] = [
  ["qwen", "Qwen"],
  ["tinyllama", "TinyLlama"],
  ["llama", "Llama"],
  ["phi", "Phi"],
  ["gpt-neo", "GPT-Neo"],
  ["mamba", "Mamba"],
  ["falcon-h1", "Falcon-H1"],
  ["zamba", "Zamba"],
  ["hymba", "Hymba"],
];

/** A registry name as a reader knows it, training variant left out: qwen2.5-0.5b-instruct → Qwen2.5-0.5B. */
export function displayName(model: string): string {
  const line = LINES.find(([prefix]) => model.startsWith(prefix));
  if (!line) return model;
  return (line[1] + model.slice(line[0].length))
    .replace(/-(instruct|base|chat)(-v[\d.]+)?(?=-| |$)/, "")
    .replace(/(-\d+(?:\.\d+)?)b(?=-| |$)/, "$1B");
}

/** Display names of several models; those that would become the same keep their registry names. */
export function displayNames(models: readonly string[]): Map<string, string> {
  const shown = models.map(displayName);
  return new Map(
    models.map((model, i) => [
      model,
      shown.filter((name) => name === shown[i]).length > 1 ? model : shown[i]!,
    ]),
  );
}

/** "a", "a and b", "a, b and c". */
export function listOf(items: readonly string[]): string {
  return items.length < 2 ? (items[0] ?? "") : `${items.slice(0, -1).join(", ")} and ${items.at(-1)!}`;
}

/** Breaks text between words into lines of at most `characters`; a longer word keeps a line to itself. */
export function wrap(text: string, characters: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= characters)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** A name on lines of at most ten characters, broken at its hyphens, so that it fits under a bar. */
export const stack = (name: string): string[] =>
  wrap(name.replaceAll("-", " "), 10).map((line) => line.replaceAll(" ", "-"));

/** Takes the height of a line: Vega drops lines of blanks, and a zero-width space is none to it. */
export const EMPTY_LINE = "\u200b";
