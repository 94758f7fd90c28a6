import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fontFaceCss, fontFile, textWidth } from "../../src/notebook/font.js";
import { launchChromium, skipWithoutChromium } from "../support/chromium.js";

/** Plain, accented (composite glyphs), and the signs of figures. */
const SAMPLES = [
  "Mamba2-780m 2.65× faster",
  "Größe é Å ñ",
  "TTFT (ms) 32,768 – ✕ ≤ µ ± − 10⁻³",
  "WAVE fi @#%&",
];

interface Drawn {
  weight: "normal" | "bold";
  sample: string;
  wholeWidth: number;
  subsetWidth: number;
  /** Sum of the coverage drawn with the whole font, and of its differences to the subset's, 0 to 255 a pixel. */
  ink: number;
  moved: number;
}

/** Runs in the page: draws each sample with both fonts, without kerning and ligatures, which the subset has not. */
const DRAW = `async (samples) => {
  await Promise.all([...document.fonts].map((font) => font.load()));
  const draw = (font, sample) => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [900, 60];
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.font = font;
    context.fontKerning = "none";
    context.textRendering = "optimizeSpeed"; // no ligatures
    context.fillText(sample, 5, 45);
    const coverage = context.getImageData(0, 0, 900, 60).data.filter((_, i) => i % 4 === 3);
    return { width: context.measureText(sample).width, coverage };
  };
  return ["normal", "bold"].flatMap((weight) => samples.map((sample) => {
    const whole = draw(weight + " 40px whole", sample);
    const subset = draw(weight + " 40px subset", sample);
    let [ink, moved] = [0, 0];
    whole.coverage.forEach((value, i) => { ink += value; moved += Math.abs(value - subset.coverage[i]); });
    return { weight, sample, wholeWidth: whole.width, subsetWidth: subset.width, ink, moved };
  }));
}`;

test(
  "widths and subset agree with a browser drawing the whole font",
  { skip: skipWithoutChromium },
  async () => {
    const whole = (["normal", "bold"] as const).map((weight) => {
      const data = readFileSync(fontFile(weight)).toString("base64");
      return `@font-face{font-family:whole;font-weight:${weight};src:url(data:font/ttf;base64,${data})}`;
    });
    const subset = fontFaceCss().replaceAll('"DejaVu Sans"', "subset");
    const browser = await launchChromium();
    try {
      const page = await browser.newPage();
      await page.setContent(`<style>${whole.join("\n")}\n${subset}</style>`);
      const drawn = await page.evaluate<Drawn[]>(`(${DRAW})(${JSON.stringify(SAMPLES)})`);
      assert.equal(drawn.length, 2 * SAMPLES.length);
      for (const { weight, sample, wholeWidth, subsetWidth, ink, moved } of drawn) {
        const what = `${weight} "${sample}"`;
        assert.ok(
          Math.abs(subsetWidth - wholeWidth) < 0.01,
          `${what} is ${subsetWidth} px, not ${wholeWidth}`,
        );
        const computed = textWidth(sample, 40, weight);
        assert.ok(
          Math.abs(computed - wholeWidth) < 0.5,
          `${what} was computed as ${computed} px, not ${wholeWidth}`,
        );
        // Hinting, which the subset has not either, moves an edge by a fraction of a pixel.
        assert.ok(ink > 100_000 && moved < 0.1 * ink, `${what}: ${moved} of ${ink} differ`);
      }
    } finally {
      await browser.close();
    }
  },
);

test("the subset covers what figures print, in few bytes", () => {
  assert.ok(fontFaceCss().length < 60_000, `${fontFaceCss().length} characters`);
});

test("bold is wider, an unknown character counts as the empty box", () => {
  assert.ok(textWidth("TTFT", 10, "bold") > textWidth("TTFT", 10));
  assert.equal(textWidth("\u{1F600}", 10), textWidth("\uE123", 10));
  assert.equal(textWidth("", 10), 0);
});
