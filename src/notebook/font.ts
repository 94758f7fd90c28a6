import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { deflateSync } from "node:zlib";

/**
 * The font that figures are drawn in, read from the npm package dejavu-fonts-ttf: its files for the rasteriser,
 * its advance widths for the layout, and a subset small enough to travel inside an SVG or a page. All three come
 * from the same bytes, so a machine without fonts draws what every other draws.
 * Tables are read as in https://learn.microsoft.com/typography/opentype/spec/
 */
export type Weight = "normal" | "bold";

const FAMILY = "DejaVu Sans";
const FILES: Readonly<Record<Weight, string>> = { normal: "DejaVuSans.ttf", bold: "DejaVuSans-Bold.ttf" };

/** Where the TrueType file of a weight lies on this machine. */
export const fontFile = (weight: Weight): string =>
  createRequire(import.meta.url).resolve(`dejavu-fonts-ttf/ttf/${FILES[weight]}`);

interface Font {
  readonly tables: ReadonlyMap<string, Buffer>;
  readonly unitsPerEm: number;
  /** Advance width by glyph, in font units; glyphs past the end have the last one's. */
  readonly advances: Uint16Array;
  /** Glyph by code point, Basic Multilingual Plane only. */
  readonly glyphs: ReadonlyMap<number, number>;
}

const loaded = new Map<Weight, Font>();

function load(weight: Weight): Font {
  const known = loaded.get(weight);
  if (known) return known;
  const tables = tablesOf(readFileSync(fontFile(weight)));
  const metrics = table(tables, "hmtx");
  const advances = Uint16Array.from({ length: table(tables, "hhea").readUInt16BE(34) }, (_, i) =>
    metrics.readUInt16BE(4 * i),
  );
  const unitsPerEm = table(tables, "head").readUInt16BE(18);
  const font = { tables, unitsPerEm, advances, glyphs: glyphsOf(table(tables, "cmap")) };
  loaded.set(weight, font);
  return font;
}

function tablesOf(file: Buffer): Map<string, Buffer> {
  const tables = new Map<string, Buffer>();
  for (let i = 0; i < file.readUInt16BE(4); i++) {
    const entry = 12 + 16 * i;
    const start = file.readUInt32BE(entry + 8);
    const end = start + file.readUInt32BE(entry + 12);
    tables.set(file.toString("latin1", entry, entry + 4), file.subarray(start, end));
  }
  return tables;
}

function table(tables: ReadonlyMap<string, Buffer>, tag: string): Buffer {
  const bytes = tables.get(tag);
  if (!bytes) throw new Error(`the font has no table ${tag}`);
  return bytes;
}

/** Reads the segments of a Windows Unicode subtable (platform 3, encoding 1, format 4). */
function glyphsOf(cmap: Buffer): Map<number, number> {
  const subtables = Array.from({ length: cmap.readUInt16BE(2) }, (_, i) => 4 + 8 * i);
  const unicode = subtables.find((at) => cmap.readUInt16BE(at) === 3 && cmap.readUInt16BE(at + 2) === 1);
  const sub = unicode === undefined ? Buffer.alloc(2) : cmap.subarray(cmap.readUInt32BE(unicode + 4));
  if (sub.readUInt16BE(0) !== 4) throw new Error("the font has no character map of format 4");
  const doubled = sub.readUInt16BE(6);
  const glyphs = new Map<number, number>();
  for (let at = 14; at < 14 + doubled; at += 2) {
    const end = sub.readUInt16BE(at);
    const start = sub.readUInt16BE(at + doubled + 2);
    const delta = sub.readUInt16BE(at + 2 * doubled + 2);
    const offsetAt = at + 3 * doubled + 2;
    const offset = sub.readUInt16BE(offsetAt);
    for (let code = start; code <= end && code < 0xffff; code++) {
      const found = offset === 0 ? code : sub.readUInt16BE(offsetAt + offset + 2 * (code - start));
      if (found !== 0) glyphs.set(code, (found + delta) & 0xffff);
    }
  }
  return glyphs;
}

/** Width of one line in pixels, kerning left out; a character the font lacks counts as its empty box. */
export function textWidth(text: string, fontSizePx: number, weight: Weight = "normal"): number {
  const { glyphs, advances, unitsPerEm } = load(weight);
  let units = 0;
  for (const character of text)
    units += advances[Math.min(glyphs.get(character.codePointAt(0)!) ?? 0, advances.length - 1)]!;
  return (units * fontSizePx) / unitsPerEm;
}

// The subset: the printable characters of Latin-1 and the signs that figures use.

const SIGNS = "–—‘’“”•…′″‰→←↔∞−≈≠≤≥✓✕✗αβγδθλμπσΔΣΩ₀₁₂₃⁰⁴⁵⁶⁷⁸⁹⁻";
const SUBSET: readonly number[] = [
  ...Array.from({ length: 0x7f - 0x20 }, (_, i) => 0x20 + i),
  ...Array.from({ length: 0x100 - 0xa0 }, (_, i) => 0xa0 + i),
  ...Array.from(SIGNS, (sign) => sign.codePointAt(0)!),
].sort((a, b) => a - b);

let fontFaces: string | null = null;

/** `@font-face` rules that carry both weights as WOFF, about 40 kB of text; the same for every figure. */
export function fontFaceCss(): string {
  fontFaces ??= (["normal", "bold"] as const)
    .map((weight) => {
      const data = subsetWoff(load(weight)).toString("base64");
      return `@font-face{font-family:"${FAMILY}";font-weight:${weight};src:url(data:font/woff;base64,${data}) format("woff")}`;
    })
    .join("\n");
  return fontFaces;
}

/**
 * Glyphs keep their numbers, so nothing that refers to a glyph needs rewriting: outlines outside the subset become
 * empty, their widths 0, and compression removes what is left of them. Layout tables (kerning, hinting) go.
 */
function subsetWoff(font: Font): Buffer {
  const { tables } = font;
  const characters = SUBSET.flatMap((code) => {
    const glyph = font.glyphs.get(code);
    return glyph === undefined ? [] : [{ code, glyph }];
  });
  const outlines = outlinesOf(tables);
  const kept = withComponents(
    characters.map(({ glyph }) => glyph),
    outlines,
  );
  const { glyf, loca } = packOutlines(outlines, kept);
  const metrics = Buffer.from(table(tables, "hmtx"));
  for (let glyph = 0; 4 * glyph + 4 <= metrics.length; glyph++)
    if (!kept.has(glyph)) metrics.writeUInt32BE(0, 4 * glyph);
  const head = Buffer.from(table(tables, "head"));
  head.writeInt16BE(1, 50); // indexToLocFormat: offsets of 32 bits, as packOutlines writes them
  // Version 3.0: no glyph names follow.
  const post = Buffer.from(table(tables, "post").subarray(0, 32));
  post.writeUInt32BE(0x00030000, 0);
  return woff([
    ["OS/2", table(tables, "OS/2")],
    ["cmap", characterMap(characters)],
    ["glyf", glyf],
    ["head", head],
    ["hhea", table(tables, "hhea")],
    ["hmtx", metrics],
    ["loca", loca],
    ["maxp", table(tables, "maxp")],
    ["name", table(tables, "name")],
    ["post", post],
  ]);
}

function outlinesOf(tables: ReadonlyMap<string, Buffer>): Buffer[] {
  const [glyf, loca] = [table(tables, "glyf"), table(tables, "loca")];
  const long = table(tables, "head").readInt16BE(50) === 1;
  const offset = (i: number): number => (long ? loca.readUInt32BE(4 * i) : 2 * loca.readUInt16BE(2 * i));
  return Array.from({ length: table(tables, "maxp").readUInt16BE(4) }, (_, i) =>
    glyf.subarray(offset(i), offset(i + 1)),
  );
}

/** The glyphs, the empty box, and all that composite glyphs (é = e + ´) are made of. */
function withComponents(glyphs: readonly number[], outlines: readonly Buffer[]): Set<number> {
  const kept = new Set<number>();
  const pending = [0, ...glyphs];
  for (let glyph = pending.pop(); glyph !== undefined; glyph = pending.pop()) {
    if (kept.has(glyph)) continue;
    kept.add(glyph);
    pending.push(...componentsOf(outlines[glyph]!).map((component) => component.glyph));
  }
  return kept;
}

/** A glyph inside a composite one, and where its record lies in the outline. */
interface Component {
  readonly glyph: number;
  readonly start: number;
  readonly end: number;
}

function componentsOf(outline: Buffer): Component[] {
  if (outline.length === 0 || outline.readInt16BE(0) >= 0) return [];
  const components: Component[] = [];
  for (let start = 10, more = true; more;) {
    const flags = outline.readUInt16BE(start);
    more = (flags & 0x20) !== 0;
    // Offsets as words or bytes, then one scale, two, or a 2 × 2 matrix.
    const offsets = (flags & 0x01) !== 0 ? 4 : 2;
    const scales = (flags & 0x08) !== 0 ? 2 : (flags & 0x40) !== 0 ? 4 : (flags & 0x80) !== 0 ? 8 : 0;
    const end = start + 4 + offsets + scales;
    components.push({ glyph: outline.readUInt16BE(start + 2), start, end });
    start = end;
  }
  return components;
}

function packOutlines(
  outlines: readonly Buffer[],
  kept: ReadonlySet<number>,
): { glyf: Buffer; loca: Buffer } {
  const loca = Buffer.alloc(4 * (outlines.length + 1));
  const parts: Buffer[] = [];
  let end = 0;
  outlines.forEach((outline, glyph) => {
    if (kept.has(glyph)) {
      const bare = withoutHinting(outline);
      parts.push(bare);
      end += bare.length;
    }
    loca.writeUInt32BE(end, 4 * (glyph + 1));
  });
  return { glyf: Buffer.concat(parts), loca };
}

/**
 * An outline without its instructions: half of its bytes, and meaningless without the font's hinting programs.
 * Padded to four bytes, as the offsets of `loca` want it.
 */
function withoutHinting(outline: Buffer): Buffer {
  if (outline.length === 0) return outline;
  const contours = outline.readInt16BE(0);
  const bare = contours >= 0 ? simpleWithoutHinting(outline, contours) : compositeWithoutHinting(outline);
  return Buffer.concat([bare, Buffer.alloc((4 - (bare.length % 4)) % 4)]);
}

function simpleWithoutHinting(outline: Buffer, contours: number): Buffer {
  const at = 10 + 2 * contours;
  return Buffer.concat([
    outline.subarray(0, at),
    Buffer.alloc(2),
    outline.subarray(at + 2 + outline.readUInt16BE(at)),
  ]);
}

function compositeWithoutHinting(outline: Buffer): Buffer {
  const components = componentsOf(outline);
  const bare = Buffer.from(outline.subarray(0, components.at(-1)!.end));
  // Bit 8: instructions follow.
  for (const { start } of components) bare.writeUInt16BE(bare.readUInt16BE(start) & ~0x0100, start);
  return bare;
}

/** One subtable of format 4, a segment a character. */
function characterMap(characters: readonly { code: number; glyph: number }[]): Buffer {
  const segments = [...characters, { code: 0xffff, glyph: 0 }];
  const power = Math.floor(Math.log2(segments.length));
  const words = [
    ...[4, 16 + 8 * segments.length, 0, 2 * segments.length],
    ...[2 ** (power + 1), power, 2 * segments.length - 2 ** (power + 1)],
    ...segments.map(({ code }) => code),
    0,
    ...segments.map(({ code }) => code),
    ...segments.map(({ code, glyph }) => (glyph - code) & 0xffff),
    ...segments.map(() => 0),
  ];
  const bytes = Buffer.alloc(12 + 2 * words.length);
  bytes.writeUInt16BE(1, 2);
  bytes.writeUInt16BE(3, 4);
  bytes.writeUInt16BE(1, 6);
  bytes.writeUInt32BE(12, 8);
  words.forEach((word, i) => bytes.writeUInt16BE(word, 12 + 2 * i));
  return bytes;
}

/** Wraps tables, in alphabetical order, as WOFF 1.0 (https://www.w3.org/TR/WOFF/), each deflated where that helps. */
function woff(tables: readonly (readonly [tag: string, bytes: Buffer])[]): Buffer {
  const header = Buffer.alloc(44 + 20 * tables.length);
  const parts: Buffer[] = [header];
  let offset = header.length;
  let unpacked = 12 + 16 * tables.length;
  tables.forEach(([tag, bytes], i) => {
    const deflated = deflateSync(bytes, { level: 9 });
    const stored = deflated.length < bytes.length ? deflated : bytes;
    const entry = 44 + 20 * i;
    header.write(tag, entry, "latin1");
    header.writeUInt32BE(offset, entry + 4);
    header.writeUInt32BE(stored.length, entry + 8);
    header.writeUInt32BE(bytes.length, entry + 12);
    header.writeUInt32BE(checksum(bytes), entry + 16);
    const padding = (4 - (stored.length % 4)) % 4;
    parts.push(stored, Buffer.alloc(padding));
    offset += stored.length + padding;
    unpacked += Math.ceil(bytes.length / 4) * 4;
  });
  header.write("wOFF", 0, "latin1");
  header.writeUInt32BE(0x00010000, 4);
  header.writeUInt32BE(offset, 8);
  header.writeUInt16BE(tables.length, 12);
  header.writeUInt32BE(unpacked, 16);
  header.writeUInt16BE(1, 20);
  return Buffer.concat(parts);
}

function checksum(bytes: Buffer): number {
  let sum = 0;
  const padded = Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
  for (let at = 0; at < padded.length; at += 4) sum = (sum + padded.readUInt32BE(at)) >>> 0;
  return sum;
}
