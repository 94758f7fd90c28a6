import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import { reportHtml } from "../../src/cli/report/page.js";
import { launchChromium, skipWithoutChromium } from "../support/chromium.js";
import { madeReport } from "./report.js";

interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

interface DrawnFigure {
  id: string;
  /** The pictures that are shown: one of the wide and the narrow drawing. */
  pictures: { box: Box; shapes: number; texts: { text: string; box: Box; fontPx: number }[] }[];
  captionCharacters: number;
}

/** Runs in the page. Boxes are in CSS pixels of the viewport's left and the document's top. */
const MEASURE = `() => [...document.querySelectorAll("figure")].map((figure) => {
  const boxOf = (element) => {
    const { x, y, width, height } = element.getBoundingClientRect();
    return { x, y: y + scrollY, width, height };
  };
  const shown = [...figure.querySelectorAll("svg")].filter((svg) => svg.checkVisibility());
  return {
    id: figure.id,
    pictures: shown.map((svg) => {
      const scale = boxOf(svg).width / svg.viewBox.baseVal.width;
      const inked = [...svg.querySelectorAll("path, line")].filter((shape) => {
        const { width, height } = shape.getBoundingClientRect();
        return width + height > 0 && getComputedStyle(shape).visibility === "visible";
      });
      return {
        box: boxOf(svg),
        shapes: inked.length,
        texts: [...svg.querySelectorAll("text")].map((text) => ({
          text: text.textContent,
          box: boxOf(text),
          fontPx: Number.parseFloat(getComputedStyle(text).fontSize) * scale,
        })),
      };
    }),
    captionCharacters: figure.querySelector("figcaption").innerText.length,
  };
})`;

const WIDTHS = [1280, 390, 320];

suite("the report in a browser", { skip: skipWithoutChromium }, () => {
  let browser: Browser;
  let folder: string;
  let file: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "ssm-scope-report-"));
    file = join(folder, "report.html");
    await writeFile(file, reportHtml(await madeReport()));
    browser = await launchChromium();
  });

  after(async () => {
    await browser.close();
    await rm(folder, { recursive: true });
  });

  /** Opens the report and returns the page with all it said and asked for. */
  async function open(width: number): Promise<{ page: Page; said: string[]; asked: string[] }> {
    const page = await browser.newPage({ viewport: { width, height: 844 } });
    const said: string[] = [];
    const asked: string[] = [];
    page.on("console", (message) => said.push(message.text()));
    page.on("pageerror", (error) => said.push(String(error)));
    page.on("request", (request) => asked.push(request.url()));
    await page.goto(pathToFileURL(file).href, { waitUntil: "load" });
    await page.evaluate("document.fonts.ready.then(() => null)");
    if (process.env.SSM_SCOPE_SCREENSHOTS)
      await page.screenshot({
        path: join(process.env.SSM_SCOPE_SCREENSHOTS, `report-${width}.png`),
        fullPage: true,
      });
    return { page, said, asked };
  }

  for (const width of WIDTHS)
    test(`at ${width} px: silent, alone, every figure visible, nothing beyond the edge`, async () => {
      const { page, said, asked } = await open(width);
      assert.deepEqual(said, []);
      assert.deepEqual(
        asked.filter((url) => !url.startsWith("data:")),
        [pathToFileURL(file).href],
      );
      assert.equal(await page.evaluate("document.fonts.check('12px \"DejaVu Sans\"')"), true);
      assert.equal(await page.evaluate("document.documentElement.scrollWidth"), width);

      const figures = await page.evaluate<DrawnFigure[]>(`(${MEASURE})()`);
      assert.equal(figures.length, 4);
      for (const { id, pictures, captionCharacters } of figures) {
        assert.equal(pictures.length, 1, `${id} shows one drawing`);
        assert.ok(captionCharacters > 50, `${id} has a caption`);
        const { box, shapes, texts } = pictures[0]!;
        assert.ok(box.width > 0.8 * Math.min(width, 800) && box.height > 150, `${id} fills its place`);
        assert.ok(box.x >= 0 && box.x + box.width <= width, `${id} lies inside the page`);
        assert.ok(shapes > 10 && texts.length > 10, `${id} is drawn`);
        for (const { text, fontPx } of texts)
          assert.ok(fontPx >= (width < 390 ? 7.5 : 9), `${id}: "${text}" is ${fontPx.toFixed(1)} px high`);
        refuseClippedAndOverlapping(id, box, texts);
      }
      await page.close();
    });

  test("a wide table scrolls in its own box on a phone", async () => {
    const { page } = await open(390);
    const boxes = await page.evaluate<{ inside: number; outside: number }[]>(
      `[...document.querySelectorAll(".scroll")].map((box) => ({ inside: box.scrollWidth, outside: box.clientWidth }))`,
    );
    assert.ok(boxes.every(({ outside }) => outside <= 390));
    assert.ok(boxes.some(({ inside, outside }) => inside > outside));
    await page.close();
  });

  test("headings go down one level at a time, from one h1", async () => {
    const { page } = await open(1280);
    const levels = await page.evaluate<number[]>(
      `[...document.querySelectorAll("h1,h2,h3,h4,h5,h6")].map((heading) => Number(heading.tagName[1]))`,
    );
    assert.equal(levels.filter((level) => level === 1).length, 1);
    levels.forEach((level, i) => {
      assert.ok(i === 0 ? level === 1 : level <= levels[i - 1]! + 1);
    });
    await page.close();
  });

  test("text keeps its contrast on a light and on a dark page", async () => {
    for (const colorScheme of ["light", "dark"] as const) {
      const { page } = await open(1280);
      await page.emulateMedia({ colorScheme });
      for (const selector of ["body", "figcaption", "dt", ".answer", "td"])
        assert.ok((await contrast(page, selector)) >= 4.5, `${selector}, ${colorScheme}`);
      const card = await page.evaluate(
        "getComputedStyle(document.querySelector('.picture')).backgroundColor",
      );
      assert.equal(card, "rgb(255, 255, 255)");
      await page.close();
    }
  });

  test("paper shows the wide drawings", async () => {
    const { page } = await open(390);
    await page.emulateMedia({ media: "print" });
    const shown = await page.evaluate<string[]>(
      `[...document.querySelectorAll(".picture")].filter((box) => box.checkVisibility()).map((box) => box.className)`,
    );
    assert.equal(shown.length, 4);
    for (const name of shown) assert.match(name, /^picture only-wide( on-log)?$/);
    const tools = await page.evaluate<number>(
      `[...document.querySelectorAll(".tools, .tip")].filter((box) => box.checkVisibility()).length`,
    );
    assert.equal(tools, 0);
    await page.close();
  });

  test("axe finds nothing that keeps anybody out, on a light and on a dark page", async () => {
    const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
    for (const colorScheme of ["light", "dark"] as const) {
      const { page } = await open(390);
      await page.emulateMedia({ colorScheme });
      await page.evaluate(`${axe}; null`);
      const violations = await page.evaluate<{ id: string; nodes: { html: string }[] }[]>(
        "axe.run(document).then(({ violations }) => violations)",
      );
      assert.deepEqual(
        violations.map(({ id, nodes }) => `${id}: ${nodes[0]!.html.slice(0, 120)}`),
        [],
      );
      await page.close();
    }
  });

  test("a column sorts by its numbers up and down, what was not measured last", async () => {
    const { page } = await open(1280);
    const column = (): Promise<string[]> =>
      page.evaluate<string[]>(
        `[...document.querySelectorAll("[data-name=measurements] tbody tr")].map((row) => row.cells[2].dataset.value)`,
      );
    const numbers = (texts: string[]): number[] => texts.filter((text) => text !== "").map(Number);
    const sort = page.locator("[data-name=measurements] th").nth(2).getByRole("button");
    const given = await column();
    await sort.click();
    const up = await column();
    assert.deepEqual(
      numbers(up),
      numbers(given).sort((a, b) => a - b),
    );
    assert.ok(given.includes("") && up.at(-1) === "");
    await sort.click();
    const down = await column();
    assert.deepEqual(
      numbers(down),
      numbers(given).sort((a, b) => b - a),
    );
    assert.equal(down.at(-1), "");
    assert.equal(
      await page.locator("[data-name=measurements] th").nth(2).getAttribute("aria-sort"),
      "descending",
    );
    await page.close();
  });

  test("tables are saved as CSV in full, figures as SVG with their font", async () => {
    const { page } = await open(1280);
    const saved = async (name: RegExp): Promise<[string, string]> => {
      const [file] = await Promise.all([
        page.waitForEvent("download"),
        page.getByRole("button", { name }).click(),
      ]);
      return [file.suggestedFilename(), await readFile(await file.path(), "utf8")];
    };
    const [csvName, csv] = await saved(/CSV: Claims/);
    assert.equal(csvName, "claims.csv");
    assert.equal(
      csv,
      'claim,verdict,sentence\nH001,reproduced,"At ""57K"" tokens, it is 1.9 times faster."\n',
    );
    const [svgName, svg] = await saved(/SVG: TTFT against prompt length/);
    assert.equal(svgName, "scaling-ttft-ms-measured.svg");
    assert.match(svg, /^<svg [^>]*xmlns="http:\/\/www.w3.org\/2000\/svg"[^]*@font-face/);
    await page.close();
  });

  test("a point says its values under the pointer, and a figure has linear axes on request", async () => {
    const { page } = await open(1280);
    const figure = page.locator("#scaling-ttft-ms-measured");
    await figure.locator("[data-tip]:visible").last().hover();
    assert.match(
      await page.locator(".tip").innerText(),
      /^Mamba2-130m\nprompt length \(tokens\): [\d,]+\nTTFT \(ms\): /,
    );
    await figure.getByLabel("linear axes").check();
    const shown = await page.evaluate<string[]>(
      `[...document.querySelectorAll("#scaling-ttft-ms-measured .picture")].filter((box) => box.checkVisibility()).map((box) => box.className)`,
    );
    assert.deepEqual(shown, ["picture only-wide on-linear"]);
    await page.close();
  });
});

/** Ratio of WCAG 2.2 between an element's text and the background it stands on. */
function contrast(page: Page, selector: string): Promise<number> {
  return page.evaluate<number>(`(() => {
    const channels = (color) => color.match(/[\\d.]+/g).map(Number);
    const element = document.querySelector(${JSON.stringify(selector)});
    let ground = element;
    while (ground && channels(getComputedStyle(ground).backgroundColor)[3] === 0) ground = ground.parentElement;
    const luminance = (color) => {
      const [r, g, b] = channels(color).map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const pair = [getComputedStyle(element).color, getComputedStyle(ground ?? document.body).backgroundColor].map(luminance);
    return (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
  })()`);
}

function refuseClippedAndOverlapping(
  id: string,
  picture: Box,
  texts: DrawnFigure["pictures"][number]["texts"],
): void {
  const seen = texts.filter(({ text, box }) => text.trim() !== "" && box.width > 0);
  for (const { text, box } of seen)
    assert.ok(
      box.x >= picture.x - 0.5 &&
        box.y >= picture.y - 0.5 &&
        box.x + box.width <= picture.x + picture.width + 0.5 &&
        box.y + box.height <= picture.y + picture.height + 0.5,
      `${id}: "${text}" is cut off`,
    );
  // Line boxes are taller than letters: a tenth of the height may overlap, and a text may lie on its own white edge.
  const overlaps = (a: Box, b: Box): boolean => {
    const slack = 0.1 * Math.min(a.height, b.height, a.width, b.width);
    const across = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
    const down = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
    return across > slack && down > slack;
  };
  seen.forEach((a, i) => {
    for (const b of seen.slice(i + 1))
      assert.ok(a.text === b.text || !overlaps(a.box, b.box), `${id}: "${a.text}" lies over "${b.text}"`);
  });
}
