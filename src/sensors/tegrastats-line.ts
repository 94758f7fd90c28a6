/**
 * One line of `tegrastats`, as printed: every field of the releases from JetPack 2 to 7.2, matched by name, since no
 * field is certain and their order differs by release and board. What fits no field is kept as text, never guessed at.
 */
export interface TegrastatsLine {
  /** What a wrapper wrote before the line, e.g. its own time. */
  prefix: string;
  /** Local wall clock as printed, MM-DD-YYYY HH:MM:SS, JetPack 5 and later. */
  stamp: string | null;
  /** System memory, which the GPU shares; `largestFreeKib` is the size of the `freeBlocks` largest free blocks. */
  ram: { usedMib: number; totalMib: number; freeBlocks: number | null; largestFreeKib: number | null } | null;
  swap: { usedMib: number; totalMib: number; cachedMib: number | null } | null;
  /** Memory on the chip (TX1, Nano). */
  iram: { usedKb: number; totalKb: number; largestFreeKb: number | null } | null;
  /** By core number; a core that the power mode took offline is null. */
  cores: (Engine | null)[] | null;
  /** Memory controller: bandwidth in use relative to the present DRAM clock. */
  emc: Engine | null;
  /** GR3D, GR3D_FREQ and GR3D2_FREQ in the order printed. */
  gpus: Gpu[];
  engines: NamedEngine[];
  /** Share of time in the CPU's code translator (TX2, Xavier). */
  mts: { foregroundPct: number; backgroundPct: number } | null;
  edpLimitMhz: number | null;
  temperatures: Temperature[];
  /** In the order printed. A name can occur twice: `NC` does. */
  rails: Rail[];
  /** Words that fit no field, those that stand together as one text. */
  unread: string[];
}

/** Load and clock of an engine. */
export interface Engine {
  loadPct: number | null;
  clockMhz: number | null;
}

/** The same with its name. */
export interface NamedEngine extends Engine {
  name: string;
  off: boolean;
  /** The load of each half of an engine that prints two (PVA); `loadPct` is null then. */
  loadsPct: number[] | null;
}

/** Load and clock of the moment, not a mean over the interval. */
export interface Gpu {
  name: string;
  /** As printed, e.g. `12%@[1300,0]`. */
  text: string;
  loadPct: number | null;
  /** Of each graphics cluster that prints its own, else one; 0 is a gated one. Null where no clock is printed. */
  clocksMhz: number[] | null;
}

/** A thermal zone. */
export interface Temperature {
  zone: string;
  /** Null where the block is powered off, which is printed as -256C. */
  celsius: number | null;
  /** Since the process started; JetPack 7.2. */
  highestCelsius: number | null;
}

/** Input power of a supply rail. Under one step of the chip's converter a reading can be negative. */
export interface Rail {
  name: string;
  nowMw: number;
  /** Of all readings since the process started, so of no use for a window. Null where its unit is cut off. */
  meanMw: number | null;
  /** Since the process started; JetPack 7.2. */
  highestMw: number | null;
}

/** The longest run of digits read as a number: all below are exact. */
const N = String.raw`\d{1,15}`;
const T = String.raw`-?${N}(?:\.\d{1,9})?`;
const CORE = `(?:${N}%@${N}|off)`;
const SHARED_CORE = `(?:${N}%|off)`;
const ENGINE = "(?:NVENC|NVDEC|NVJPG|NVDLA|PVA|OFA|VIC|APE|AVP|MSENC)";

const RAM = field(String.raw`RAM\s+(${N})/(${N})MB(?:\s*\(lfb\s+(${N})x(${N})(MB|kB)\))?`);
const STAMP = field(String.raw`\d\d-\d\d-\d{4}\s\d\d:\d\d:\d\d`);

/** Words that open a field of their own; a cut one (`RAM 11/39`) must not pass for a rail. */
const NOT_A_RAIL = String.raw`(?!(?:RAM|SWAP|IRAM|MTS|EDP|EMC|GR3D)(?:\s|_|\d))`;

/** A field's pattern and what it writes; `false` leaves the text unread. Temperatures and rails come before engines. */
const FIELDS: readonly [RegExp, (line: TegrastatsLine, found: RegExpExecArray) => unknown][] = [
  [STAMP, (line, [stamp]) => line.stamp === null && (line.stamp = stamp)],
  [RAM, (line, found) => line.ram === null && (line.ram = ram(found))],
  [
    field(String.raw`SWAP\s+(${N})/(${N})MB(?:\s*\(cached\s+(${N})MB\))?`),
    (line, [, used, total, cached]) =>
      line.swap === null &&
      (line.swap = { usedMib: Number(used), totalMib: Number(total), cachedMib: number(cached) }),
  ],
  [
    field(String.raw`IRAM\s+(${N})/(${N})kB(?:\s*\(lfb\s+(${N})kB\))?`),
    (line, [, used, total, free]) =>
      line.iram === null &&
      (line.iram = { usedKb: Number(used), totalKb: Number(total), largestFreeKb: number(free) }),
  ],
  [
    field(String.raw`CPU\s+\[(${CORE}(?:,${CORE})*)\]`),
    (line, [, cores]) => line.cores === null && (line.cores = cores!.split(",").map((core) => engine(core))),
  ],
  [
    field(String.raw`cpu\s+\[(${SHARED_CORE}(?:,${SHARED_CORE})*)\]@(${N})`),
    (line, [, cores, clock]) =>
      line.cores === null && (line.cores = cores!.split(",").map((core) => engine(`${core}@${clock!}`))),
  ],
  [
    field(String.raw`EMC(?:_FREQ)?\s+(${N}%@${N}|${N}%|@${N})`),
    (line, [, value]) => line.emc === null && (line.emc = engine(value!)),
  ],
  [
    field(
      String.raw`(GR3D2?(?:_FREQ)?)\s+(${N}%@\[${N}(?:,${N})*\]|@\[${N}(?:,${N})*\]|${N}%@${N}|${N}%|@${N})`,
    ),
    (line, [, name, text]) =>
      !line.gpus.some((gpu) => gpu.name === name) && line.gpus.push(gpu(name!, text!)),
  ],
  [
    field(String.raw`MTS\s+fg\s+(${N})%\s+bg\s+(${N})%`),
    (line, [, fg, bg]) =>
      line.mts === null && (line.mts = { foregroundPct: Number(fg), backgroundPct: Number(bg) }),
  ],
  [
    field(String.raw`EDP\s+limit\s+(${N})`),
    (line, [, limit]) => line.edpLimitMhz === null && ((line.edpLimitMhz = Number(limit)), true),
  ],
  [
    field(String.raw`([A-Za-z][\w.-]*)@(${T})C(?:/(${T})C)?`),
    (line, [, zone, now, highest]) =>
      line.temperatures.push({ zone: zone!, celsius: celsius(now), highestCelsius: celsius(highest) }),
  ],
  [
    field(String.raw`${NOT_A_RAIL}([A-Z][A-Z0-9_.-]*)\s+(-?${N})(mW)?/(-?${N})(mW)?(?:/(-?${N})mW)?`),
    (line, [, name, now, unit, mean, meanUnit, highest]) =>
      line.rails.push({
        name: name!,
        nowMw: Number(now),
        meanMw: unit !== undefined && meanUnit === undefined ? null : Number(mean),
        highestMw: number(highest),
      }),
  ],
  [
    field(String.raw`(${ENGINE}\d*(?:_FREQ)?)\s+(off|${N}%@${N}|@?${N}|\[${N}%,${N}%\]@${N})`),
    (line, [, name, value]) =>
      !line.engines.some((engine) => engine.name === name) && line.engines.push(namedEngine(name!, value!)),
  ],
];

/** Null when nothing of a tegrastats line is in the text. Never throws. */
export function parseTegrastatsLine(text: string): TegrastatsLine | null {
  const start = startOf(text);
  const line: TegrastatsLine = {
    prefix: text.slice(0, start).trim(),
    stamp: null,
    ram: null,
    swap: null,
    iram: null,
    cores: null,
    emc: null,
    gpus: [],
    engines: [],
    mts: null,
    edpLimitMhz: null,
    temperatures: [],
    rails: [],
    unread: [],
  };
  return readFields(text, start, line) ? line : null;
}

/** Where the stamp or RAM stands that begins the line, if what is before holds a word that is no field; else 0. */
function startOf(text: string): number {
  const first = /(?<!\S)(?:\d\d-\d\d-\d{4}\s|RAM\s)/g;
  for (let found = first.exec(text); found !== null; found = first.exec(text)) {
    const begins = [STAMP, RAM].some((pattern) => matchAt(pattern, text, found.index) !== null);
    if (begins) return isAllFields(text.slice(0, found.index)) ? 0 : found.index;
  }
  return 0;
}

function isAllFields(text: string): boolean {
  let at = 0;
  for (;;) {
    at = skipSpace(text, at);
    if (at === text.length) return true;
    const found = FIELDS.map(([pattern]) => matchAt(pattern, text, at)).find((match) => match !== null);
    if (!found) return false;
    at += found[0].length;
  }
}

/** Whether there was a field beside the stamp. */
function readFields(text: string, start: number, line: TegrastatsLine): boolean {
  let any = false;
  let together = false;
  for (let at = skipSpace(text, start); at < text.length; at = skipSpace(text, at)) {
    const read = readField(text, at, line);
    if (read !== null) {
      any ||= read.pattern !== STAMP;
      together = false;
      at += read.length;
      continue;
    }
    const word = wordAt(text, at);
    if (together) line.unread.push(`${line.unread.pop()!} ${word}`);
    else line.unread.push(word);
    together = true;
    at += word.length;
  }
  return any;
}

/** A field that was there before is not read again: two lines that lost the newline between them are not one. */
function readField(
  text: string,
  at: number,
  line: TegrastatsLine,
): { pattern: RegExp; length: number } | null {
  for (const [pattern, write] of FIELDS) {
    const found = matchAt(pattern, text, at);
    if (found) return write(line, found) === false ? null : { pattern, length: found[0].length };
  }
  return null;
}

/** A pattern tried at one place only, up to the end of a word. */
function field(source: string): RegExp {
  return new RegExp(String.raw`(?:${source})(?!\S)`, "y");
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

const skipSpace = (text: string, at: number): number => {
  const space = /\s*/y;
  space.lastIndex = at;
  space.exec(text);
  return space.lastIndex;
};

const wordAt = (text: string, at: number): string => matchAt(/\S+/y, text, at)![0];

const number = (text: string | undefined): number | null => (text === undefined ? null : Number(text));

const POWERED_OFF = -256;

function celsius(text: string | undefined): number | null {
  const value = number(text);
  return value === POWERED_OFF ? null : value;
}

function ram([, used, total, blocks, size, unit]: RegExpExecArray): TegrastatsLine["ram"] {
  const kib = size === undefined ? null : Number(size) * (unit === "MB" ? 1024 : 1);
  return { usedMib: Number(used), totalMib: Number(total), freeBlocks: number(blocks), largestFreeKib: kib };
}

/** `l%@f`, `l%`, `@f`; null for `off` or `off@f`. */
function engine(text: string): Engine | null {
  if (text.startsWith("off")) return null;
  const [, load, clock] = /^(?:(\d+)%)?(?:@(\d+))?$/.exec(text)!;
  return { loadPct: number(load), clockMhz: number(clock) };
}

function gpu(name: string, text: string): Gpu {
  const [, load, clocks] = /^(?:(\d+)%)?(?:@\[?([\d,]+)\]?)?$/.exec(text)!;
  return { name, text, loadPct: number(load), clocksMhz: clocks?.split(",").map(Number) ?? null };
}

function namedEngine(name: string, text: string): NamedEngine {
  const [, two, clock] = /^(?:\[(.*)\]|\d+%)?@?(\d+)?$/.exec(text) ?? [];
  const load = /^(\d+)%/.exec(text)?.[1];
  return {
    name,
    off: text === "off",
    loadPct: number(load),
    loadsPct: two?.split(",").map((half) => parseInt(half, 10)) ?? null,
    clockMhz: number(clock),
  };
}
