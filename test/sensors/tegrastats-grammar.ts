import fc from "fast-check";
import type {
  Engine,
  Gpu,
  NamedEngine,
  Rail,
  TegrastatsLine,
  Temperature,
} from "../../src/sensors/tegrastats-line.js";

/**
 * Lines of every spelling of the tegrastats grammar (JetPack 2 to 7.2), each with what a reader must make of it: the
 * fields are drawn first and then printed, so nothing here is shared with the parser.
 */

/** A field as printed, and what it adds to the line. */
interface Printed {
  text: string;
  fields: Partial<TegrastatsLine>;
}

/** With plain objects, as a parser makes them. */
const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record<T>(model, { noNullPrototype: true });

const count = fc.nat({ max: 200_000 });
const percent = fc.nat({ max: 100 });
const mhz = fc.nat({ max: 5000 });
const optional = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(arbitrary);
const fill = (value: number | null, print: (value: number) => string): string =>
  value === null ? "" : print(value);

const ram = record({
  used: count,
  total: count,
  n: count,
  size: fc.constantFrom("1MB", "2MB", "4MB", "512kB", "64kB"),
}).map(({ used, total, n, size }): Printed => {
  const largestFreeKib = parseInt(size, 10) * (size.endsWith("MB") ? 1024 : 1);
  return {
    text: `RAM ${used}/${total}MB (lfb ${n}x${size})`,
    fields: { ram: { usedMib: used, totalMib: total, freeBlocks: n, largestFreeKib } },
  };
});

const swap = record({ usedMib: count, totalMib: count, cachedMib: count }).map((swap): Printed => ({
  text: `SWAP ${swap.usedMib}/${swap.totalMib}MB (cached ${swap.cachedMib}MB)`,
  fields: { swap },
}));

const iram = record({
  usedKb: count,
  totalKb: count,
  largestFreeKb: count,
  gap: fc.constantFrom("", " "),
}).map(({ gap, ...iram }): Printed => ({
  text: `IRAM ${iram.usedKb}/${iram.totalKb}kB${gap}(lfb ${iram.largestFreeKb}kB)`,
  fields: { iram },
}));

const coreLoad: fc.Arbitrary<Engine> = record({ loadPct: percent, clockMhz: mhz });
const cores = fc.array(optional(coreLoad), { minLength: 1, maxLength: 14 });
const cpu = cores.map((cores): Printed => ({
  text: `CPU [${cores.map((core) => (core === null ? "off" : `${core.loadPct!}%@${core.clockMhz!}`)).join(",")}]`,
  fields: { cores },
}));
const oldCpu = fc.tuple(cores, mhz).map(([cores, clockMhz]): Printed => ({
  text: `cpu [${cores.map((core) => (core === null ? "off" : `${core.loadPct!}%`)).join(",")}]@${clockMhz}`,
  fields: { cores: cores.map((core) => core && { ...core, clockMhz }) },
}));

/** `l%@f`, `l%` or `@f`, as the two are there. */
const gval = (load: number | null, clocks: string | null): string =>
  `${fill(load, (load) => `${load}%`)}${clocks === null ? "" : `@${clocks}`}`;

const emc = record({ loadPct: optional(percent), clockMhz: optional(mhz), old: fc.boolean() })
  .filter(({ loadPct, clockMhz }) => loadPct !== null || clockMhz !== null)
  .map(({ loadPct, clockMhz, old }): Printed => {
    const both = loadPct !== null && clockMhz !== null;
    return {
      text: `${old && both ? "EMC" : "EMC_FREQ"} ${gval(loadPct, clockMhz?.toString() ?? null)}`,
      fields: { emc: { loadPct, clockMhz } },
    };
  });

const gpu: fc.Arbitrary<Gpu> = record({
  name: fc.constantFrom("GR3D_FREQ", "GR3D2_FREQ", "GR3D"),
  loadPct: optional(percent),
  clocksMhz: optional(fc.array(mhz, { minLength: 1, maxLength: 3 })),
  brackets: fc.boolean(),
})
  .filter(({ loadPct, clocksMhz }) => loadPct !== null || clocksMhz !== null)
  .map(({ name, loadPct, clocksMhz, brackets }) => {
    const list = clocksMhz?.join(",") ?? null;
    const clocks = list !== null && (brackets || clocksMhz!.length > 1) ? `[${list}]` : list;
    return { name, loadPct, clocksMhz, text: gval(loadPct, clocks) };
  });
const gpus = fc.uniqueArray(gpu, { selector: ({ name }) => name, minLength: 1, maxLength: 3 });

const ENGINES = ["NVENC", "NVDEC", "NVJPG", "NVJPG1", "VIC", "OFA", "NVDLA0", "NVDLA1", "PVA0_FREQ", "APE"];
const MORE_ENGINES = ["NVENC0_FREQ", "NVENC1_FREQ", "NVDEC0", "VIC_FREQ", "OFA_FREQ", "AVP", "MSENC"];
const engineValue = fc.oneof(
  fc.constant({ off: true, loadPct: null, loadsPct: null, clockMhz: null, text: "off" }),
  fc.tuple(mhz, fc.constantFrom("", "@")).map(([clockMhz, at]) => ({
    ...{ off: false, loadPct: null, loadsPct: null, clockMhz },
    text: `${at}${clockMhz}`,
  })),
  fc.tuple(percent, mhz).map(([loadPct, clockMhz]) => ({
    ...{ off: false, loadPct, loadsPct: null, clockMhz },
    text: `${loadPct}%@${clockMhz}`,
  })),
  fc.tuple(percent, percent, mhz).map(([a, b, clockMhz]) => ({
    ...{ off: false, loadPct: null, loadsPct: [a, b], clockMhz },
    text: `[${a}%,${b}%]@${clockMhz}`,
  })),
);
const engines = fc.uniqueArray(
  record({ name: fc.constantFrom(...ENGINES, ...MORE_ENGINES), value: engineValue }),
  { selector: ({ name }) => name, minLength: 1, maxLength: 12 },
);

const mts = record({ foregroundPct: percent, backgroundPct: percent }).map((mts): Printed => ({
  text: `MTS fg ${mts.foregroundPct}% bg ${mts.backgroundPct}%`,
  fields: { mts },
}));
const edp = mhz.map((edpLimitMhz): Printed => ({
  text: `EDP limit ${edpLimitMhz}`,
  fields: { edpLimitMhz },
}));

const degrees = fc.oneof(
  fc.constant("-256"),
  fc.integer({ min: -40, max: 110 }).map(String),
  fc.tuple(fc.nat({ max: 110 }), fc.nat({ max: 999 })).map(([whole, part]) => `${whole}.${part}`),
);
const asCelsius = (text: string): number | null => (text === "-256" ? null : Number(text));
const temperature = record({
  zone: fc.constantFrom("CPU", "GPU", "cpu", "tj", "soc012", "Tdiode", "iwlwifi", "PMIC", "CV0", "thermal"),
  now: degrees,
  highest: optional(degrees),
}).map(({ zone, now, highest }): { text: string; temperature: Temperature } => ({
  text: `${zone}@${now}C${highest === null ? "" : `/${highest}C`}`,
  temperature: {
    zone,
    celsius: asCelsius(now),
    highestCelsius: highest === null ? null : asCelsius(highest),
  },
}));

const RAILS = [
  "VDD_IN",
  "VDD_CPU",
  "GPU",
  "CPU",
  "SOC",
  "SYS5V",
  "VIN",
  "NC",
  "POM_5V_IN",
  "VDDQ_VDD2_1V8AO",
];
const milliwatts = fc.integer({ min: -2000, max: 150_000 });
const rail = record({
  name: fc.oneof(fc.constantFrom(...RAILS), fc.stringMatching(/^V[A-Z0-9_]{1,12}$/)),
  nowMw: milliwatts,
  meanMw: milliwatts,
  highestMw: optional(milliwatts),
  unit: fc.constantFrom("", "mW"),
}).map(({ unit, ...rail }): { text: string; rail: Rail } => {
  const three = rail.highestMw !== null;
  const mw = three ? "mW" : unit;
  const highest = fill(rail.highestMw, (highest) => `/${highest}mW`);
  return { text: `${rail.name} ${rail.nowMw}${mw}/${rail.meanMw}${mw}${highest}`, rail };
});

const two = (value: number): string => String(value).padStart(2, "0");
export const stamp = fc
  .date({
    min: new Date("2015-01-01T00:00:00Z"),
    max: new Date("2037-12-31T00:00:00Z"),
    noInvalidDate: true,
  })
  .map((date) => {
    const day = `${two(date.getUTCMonth() + 1)}-${two(date.getUTCDate())}-${date.getUTCFullYear()}`;
    return `${day} ${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`;
  });

const fields = record({
  stamp: optional(stamp),
  once: fc.tuple(
    optional(ram),
    optional(swap),
    optional(iram),
    optional(fc.oneof(cpu, oldCpu)),
    optional(emc),
    optional(mts),
    optional(edp),
  ),
  gpus: optional(gpus),
  engines: optional(engines),
  temperatures: fc.array(temperature, { maxLength: 9 }),
  rails: fc.array(rail, { maxLength: 7 }),
  order: fc.infiniteStream(fc.nat({ max: 1_000_000 })),
  spaces: fc.infiniteStream(fc.constantFrom(" ", " ", " ", "   ", "         ")),
});

export interface GrammarLine {
  text: string;
  line: TegrastatsLine;
}

/** A line of any fields in any order, with what it says; at least one field beside the stamp. */
export const grammarLine: fc.Arbitrary<GrammarLine> = fields
  .map(({ stamp, once, gpus, engines, temperatures, rails, order, spaces }): GrammarLine => {
    const lists = [gpus ?? [], engines ?? [], temperatures, rails].map((list) => list.length);
    const printed = once.filter((field) => field !== null);
    const texts = [
      ...printed.map(({ text }) => text),
      ...(gpus ?? []).map(({ name, text }) => `${name} ${text}`),
      ...(engines ?? []).map(({ name, value }) => `${name} ${value.text}`),
      ...temperatures.map(({ text }) => text),
      ...rails.map(({ text }) => text),
    ];
    // Fields change places, but those of one kind keep their order: it is what the lists of the line hold.
    const kinds = [
      ...printed.map((_, kind) => kind),
      ...lists.flatMap((length, i) => Array.from({ length }, () => 100 + i)),
    ];
    const places = shuffledByKind(kinds, order);
    const inOrder = [...(stamp === null ? [] : [stamp]), ...places.map((place) => texts[place]!)];
    const text = inOrder.reduce(
      (line, field) => (line === "" ? field : line + (spaces.next().value as string) + field),
      "",
    );
    const line: TegrastatsLine = {
      prefix: "",
      stamp,
      ram: null,
      swap: null,
      iram: null,
      cores: null,
      emc: null,
      gpus: gpus ?? [],
      engines: (engines ?? []).map(({ name, value: { text: _, ...value } }): NamedEngine => ({
        name,
        ...value,
      })),
      mts: null,
      edpLimitMhz: null,
      temperatures: temperatures.map(({ temperature }) => temperature),
      rails: rails.map(({ rail }) => rail),
      unread: [],
    };
    for (const { fields } of printed) Object.assign(line, fields);
    return { text, line };
  })
  .filter(({ text, line }) => text !== "" && text !== line.stamp);

/** Places in a random order in which places of one kind stand in theirs. */
function shuffledByKind(kinds: readonly number[], order: Iterator<number>): number[] {
  const keys = kinds.map((_, place) => ({ place, key: order.next().value as number }));
  const shuffled = keys.toSorted((a, b) => a.key - b.key).map(({ place }) => kinds[place]!);
  const left = new Map<number, number[]>();
  for (const [place, kind] of kinds.entries()) left.set(kind, [...(left.get(kind) ?? []), place]);
  return shuffled.map((kind) => left.get(kind)!.shift()!);
}
