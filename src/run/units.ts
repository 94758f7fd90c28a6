/** Quantities as people write them. Each is null for a text that is none. */

/** Token counts: 512, 8192, 8K (of 1024). */
export function tokensOf(text: string): number | null {
  const match = /^(-?\d+)(k?)$/i.exec(text.trim());
  return match ? Number(match[1]) * (match[2] ? 1024 : 1) : null;
}

const BYTE_UNITS: Record<string, number> = {
  "": 1,
  k: 1e3,
  m: 1e6,
  g: 1e9,
  ki: 2 ** 10,
  mi: 2 ** 20,
  gi: 2 ** 30,
};

/** Sizes in bytes: 8GiB, 24GB, 4096MiB. */
export function bytesOf(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)\s*([kmg]i?|)b?$/i.exec(text.trim());
  return match ? Math.round(Number(match[1]) * BYTE_UNITS[match[2]!.toLowerCase()]!) : null;
}

const SECONDS: Record<string, number> = { "": 1, s: 1, min: 60, h: 3600 };

/** Times in seconds: 90, 90s, 5min, 1.5h. */
export function secondsOf(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)\s*(s|min|h|)$/i.exec(text.trim());
  return match ? Number(match[1]) * SECONDS[match[2]!.toLowerCase()]! : null;
}
