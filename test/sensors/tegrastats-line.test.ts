import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseTegrastatsLine, type TegrastatsLine } from "../../src/sensors/tegrastats-line.js";
import { LINES } from "./tegrastats-files.js";
import { grammarLine } from "./tegrastats-grammar.js";

const parse = (text: string): TegrastatsLine => {
  const line = parseTegrastatsLine(text);
  assert.ok(line, text);
  return line;
};

test("every word of every real line is read, but for what is no tegrastats", () => {
  const odd: Record<string, { prefix?: string; unread?: number }> = {
    "odd.log:4": { prefix: "[2018-08-23 16:30:36] :" },
    "odd.log:5": { unread: 1 },
  };
  for (const [where, text] of LINES) {
    const line = parseTegrastatsLine(text);
    if (where === "odd.log:3") {
      assert.equal(line, null, "a date that a script wrote");
      continue;
    }
    assert.equal(line?.prefix, odd[where]?.prefix ?? "", where);
    assert.equal(line.unread.length, odd[where]?.unread ?? 0, where);
  }
  assert.ok(LINES.size >= 80);
});

test("an oldest, a middle and a newest line, field by field", () => {
  assert.deepEqual(parse(LINES.get("jetpack2-3-tx1-legacy.log:1")!), {
    prefix: "",
    stamp: null,
    ram: { usedMib: 1104, totalMib: 3995, freeBlocks: 425, largestFreeKib: 4096 },
    swap: null,
    iram: null,
    cores: [2, 5, 8, 11].map((loadPct) => ({ loadPct, clockMhz: 1734 })),
    emc: { loadPct: 0, clockMhz: 1600 },
    gpus: [{ name: "GR3D", text: "0%@998", loadPct: 0, clocksMhz: [998] }],
    engines: [
      { name: "AVP", off: false, loadPct: 1, loadsPct: null, clockMhz: 115 },
      { name: "NVDEC", off: false, loadPct: null, loadsPct: null, clockMhz: 192 },
      { name: "MSENC", off: false, loadPct: null, loadsPct: null, clockMhz: 192 },
    ],
    mts: null,
    edpLimitMhz: 1734,
    temperatures: [],
    rails: [],
    unread: [],
  });
  const orin = parse(LINES.get("jetpack5-agx-orin.log:4")!);
  assert.deepEqual(
    orin.temperatures.filter(({ celsius }) => celsius === null).map(({ zone }) => zone),
    ["CV0", "CV1", "GPU", "CV2"],
    "-256C is no temperature",
  );
  const xavier = parse(LINES.get("jetpack4-agx-xavier.log:1")!);
  assert.equal(xavier.cores?.filter((core) => core === null).length, 4);
  assert.deepEqual(xavier.mts, { foregroundPct: 0, backgroundPct: 0 });
  assert.deepEqual(
    xavier.rails.map(({ name, nowMw }) => [name, nowMw]),
    [
      ["GPU", 0],
      ["CPU", 311],
      ["SOC", 932],
      ["CV", 0],
      ["VDDRQ", 621],
      ["SYS5V", 1482],
    ],
    "bare names are not taken for the zone, the cores or an engine",
  );
  const thor = parse(LINES.get("jetpack7-thor-r39.log:2")!);
  assert.deepEqual(thor.rails[1], { name: "VDD_CPU_SOC_MSS", nowMw: 7953, meanMw: 8332, highestMw: 8710 });
  assert.deepEqual(thor.temperatures[0], { zone: "cpu", celsius: 34.312, highestCelsius: 34.843 });
  assert.deepEqual(thor.gpus[0], {
    name: "GR3D_FREQ",
    text: "@[314,314,314]",
    loadPct: null,
    clocksMhz: [314, 314, 314],
  });
});

test("a line of any fields of the grammar in any order is read back as it was made", () => {
  fc.assert(
    fc.property(grammarLine, ({ text, line }) => {
      assert.deepEqual(parseTegrastatsLine(text), line);
    }),
    { numRuns: 1500, seed: 1 },
  );
});

test("a wrapper's prefix is set apart, whatever it is", () => {
  const word = fc
    .stringMatching(/^[\x21-\x7e]{1,8}$/)
    .filter((word) => !/^(RAM|\d\d-\d\d-\d{4})$/.test(word));
  const prefix = fc.array(word, { maxLength: 4 }).map((words) => ["[it]", ...words].join(" "));
  fc.assert(
    fc.property(prefix, grammarLine, (prefix, { text, line }) => {
      fc.pre(/^(RAM|\d\d-\d\d-)/.test(text));
      assert.deepEqual(parseTegrastatsLine(`${prefix} ${text}`), { ...line, prefix });
    }),
    { numRuns: 500, seed: 2 },
  );
});

test("a name that no release prints is kept as text, and takes nothing else with it", () => {
  fc.assert(
    fc.property(
      grammarLine,
      fc.constantFrom("FOO 12", "NVNEW0 off", "X 3%@4", "Y [1,2]"),
      ({ text, line }, more) => {
        assert.deepEqual(parseTegrastatsLine(`${text} ${more}`), { ...line, unread: [more] });
      },
    ),
    { numRuns: 300, seed: 3 },
  );
});

test("a cut line gives fewer readings, never other ones", () => {
  fc.assert(
    fc.property(grammarLine, fc.double({ min: 0, max: 1, noNaN: true }), ({ text, line }, at) => {
      const cut = parseTegrastatsLine(text.slice(0, Math.floor(at * text.length)));
      if (cut === null) return;
      const now = ({ name, nowMw }: { name: string; nowMw: number }) => `${name} ${nowMw}`;
      const zone = ({ zone, celsius }: { zone: string; celsius: number | null }) => `${zone} ${celsius}`;
      assert.deepEqual(cut.rails.map(now), line.rails.slice(0, cut.rails.length).map(now));
      assert.deepEqual(
        cut.temperatures.map(zone),
        line.temperatures.slice(0, cut.temperatures.length).map(zone),
      );
      for (const name of ["ram", "swap", "iram"] as const)
        assert.ok(cut[name] === null || sameWhereRead(cut[name], line[name]), name);
      assert.ok(cut.cores === null || line.cores?.length === cut.cores.length);
    }),
    { numRuns: 800, seed: 4 },
  );
});

const sameWhereRead = (cut: object, whole: object | null): boolean =>
  whole !== null &&
  Object.entries(cut).every(
    ([name, value]) => value === null || (whole as Record<string, unknown>)[name] === value,
  );

test("the mean of a rail whose unit is cut off is not told", () => {
  const [rail] = parse("RAM 1/2MB (lfb 1x4MB) VDD_SOC 1405mW/140").rails;
  assert.deepEqual(rail, { name: "VDD_SOC", nowMw: 1405, meanMw: null, highestMw: null });
});

test("what opens a field of its own never passes for a rail", () => {
  assert.deepEqual(parse("CPU [1%@2] RAM 11/39").rails, []);
  assert.deepEqual(parse("RAM 1/2MB (lfb 1x4MB) SWAP 0/39").rails, []);
});

test("of two lines that lost the newline between them, the first is read", () => {
  const line = parse("RAM 1/2MB (lfb 1x4MB) CPU [1%@2] RAM 7/8MB (lfb 1x4MB) CPU [9%@9]");
  assert.deepEqual([line.ram?.usedMib, line.cores?.length, line.unread.length], [1, 1, 1]);
});
