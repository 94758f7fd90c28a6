/** Domains and ticks, computed here so that layout can rely on them and every renderer shows the same ones. */

export type Domain = readonly [low: number, high: number];

/** [low, high] of positive numbers, widened by a share of their ratio on each side, by 5 % at least. */
export function logDomain(values: readonly number[], share: number): Domain {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const margin = Math.max((high / low) ** share, 1.05);
  return [low / margin, high * margin];
}

/** Powers of two inside the domain, every other one (or fewer) where there are more than `count`. */
export function powersOfTwo([low, high]: Domain, count: number): number[] {
  const first = Math.ceil(Math.log2(low));
  const last = Math.floor(Math.log2(high));
  const step = Math.max(1, Math.ceil((last - first + 1) / count));
  const ticks: number[] = [];
  for (let exponent = first; exponent <= last; exponent += step) ticks.push(2 ** exponent);
  return ticks;
}

/** What a power of ten is multiplied by, from few ticks to many. */
const MULTIPLES = [[1], [1, 2, 5], [1, 1.5, 2, 3, 4, 5, 6, 8]] as const;

/** Round numbers inside the domain of a logarithmic axis: as few as give four ticks, evenly spaced if need be. */
export function logTicks([low, high]: Domain): number[] {
  for (const multiples of MULTIPLES) {
    const ticks = decades([low, high], multiples);
    if (ticks.length >= 4) return ticks;
  }
  return linearTicks([low, high], 6);
}

function decades([low, high]: Domain, multiples: readonly number[]): number[] {
  const ticks: number[] = [];
  for (let exponent = Math.floor(Math.log10(low)); 10 ** exponent <= high; exponent++)
    // Through text: 5 * 10 ** -3 need not be the number written 0.005.
    ticks.push(...multiples.map((multiple) => Number(`${multiple}e${exponent}`)));
  return ticks.filter((tick) => tick >= low && tick <= high);
}

/** Multiples of 1, 2 or 5 times a power of ten inside the domain, about `count` of them. */
export function linearTicks([low, high]: Domain, count: number): number[] {
  const raw = (high - low) / count;
  const exponent = Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].find((multiple) => multiple * 10 ** exponent >= 0.75 * raw) ?? 10;
  const unit = Number(`${step}e${exponent}`);
  const ticks: number[] = [];
  for (let i = Math.ceil(low / unit); i * unit <= high; i++) ticks.push(Number((i * unit).toPrecision(12)));
  return ticks;
}

/** The scales that an axis can have. */
export const SCALES = ["log", "linear"] as const;
/** One of SCALES. */
export type Scale = (typeof SCALES)[number];

interface AxisOf {
  /** Where an axis of these values begins and ends, with room for a share of its length. */
  readonly domain: (values: readonly number[], share: number) => Domain;
  /** Prompt lengths to name, at most about `count`. */
  readonly lengths: (domain: Domain, count: number) => number[];
  readonly values: (domain: Domain) => number[];
  /** Where a value stands: 0 at the axis' low end, 1 at its high one. */
  readonly place: (value: number, domain: Domain) => number;
}

/** A linear axis begins at 0: there heights are in proportion, on a logarithmic one ratios. */
export const AXIS: Readonly<Record<Scale, AxisOf>> = {
  log: {
    domain: logDomain,
    lengths: powersOfTwo,
    values: logTicks,
    place: (value, [low, high]) => Math.log(value / low) / Math.log(high / low),
  },
  linear: {
    domain: (values, share) => [0, Math.max(...values) * (1 + share)],
    lengths: linearTicks,
    values: (domain) => linearTicks(domain, 6),
    place: (value, [low, high]) => (value - low) / (high - low),
  },
};
