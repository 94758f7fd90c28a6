const BLOCKS = " ▁▂▃▄▅▆▇█";

/**
 * Bars of eighths of a character cell, the newest on the right, and what the lowest and highest stand for. A missing value
 * leaves its column empty, where the lowest has an eighth.
 *
 * @returns `height` lines of `width` characters, the top one first
 */
export function blockPlot(values: readonly (number | null)[], width: number, height: number): string[] {
  const shown = values.slice(-width);
  const numbers = shown.filter((value) => value !== null);
  const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
  const eighths = shown.map((value) =>
    value === null ? 0 : 1 + Math.round((high === low ? 0 : (value - low) / (high - low)) * (8 * height - 1)),
  );
  return Array.from({ length: height }, (_, line) => {
    const below = 8 * (height - 1 - line);
    const bars = eighths.map((count) => BLOCKS[Math.min(8, Math.max(0, count - below))]!);
    return bars.join("").padStart(width);
  });
}
