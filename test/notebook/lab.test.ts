/** JupyterLab itself, in a browser: opens a notebook, runs all of its cells and looks at its figures. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { after, before, suite, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { installKernel, KERNELS } from "../../src/cli/kernel.js";
import { formatNotebook } from "../../src/cli/notebook/ipynb.js";
import { prepareNotebook } from "../../src/cli/notebook/run-notebook.js";
import { findChromium, launchChromium } from "../support/chromium.js";
import { ensureDist } from "../support/dist.js";
import { JUPYTER } from "../support/jupyter.js";
import { need } from "../support/need.js";
import { readNotebook, scratchFolder } from "../support/notebook.js";

const LAB = JUPYTER && join(dirname(JUPYTER), "jupyter-lab");
const NOTEBOOKS = resolve(import.meta.dirname, "../../notebooks");
/** One that shows figures and measures nothing: it is the page that is tested. */
const notebook = readdirSync(NOTEBOOKS).find((name) => /^03-.*\.ipynb$/.test(name))!;

const needsLab = need(
  "JupyterLab",
  LAB !== null && existsSync(LAB),
  "python3 -m venv out/venv && out/venv/bin/pip install jupyterlab, or set JUPYTER to the command beside it",
);
const needsChromium = need(
  "Chromium",
  findChromium() !== null,
  "install Debian's package chromium, or set CHROMIUM_PATH to an executable",
);

/** For how long JupyterLab, a page or a cell may keep the test waiting. */
const PATIENCE_MS = 120_000;

/** The notebook without its outputs. */
function emptied(file: string): string {
  const prepared = prepareNotebook(file, new Map());
  for (const cell of prepared.cells)
    if (cell.cell_type === "code") Object.assign(cell, { outputs: [], execution_count: null });
  return formatNotebook(prepared);
}

/** A server with folders of its own, and the address that it answers at. */
async function startLab(folder: string): Promise<{ server: ChildProcess; address: URL }> {
  const config = join(folder, "config");
  mkdirSync(join(config, "labconfig"), { recursive: true });
  // It would ask whether to fetch news.
  writeFileSync(
    join(config, "labconfig", "page_config.json"),
    JSON.stringify({ disabledExtensions: { "@jupyterlab/apputils-extension:announcements": true } }),
  );
  const server = spawn(
    LAB!,
    ["--no-browser", "--allow-root", "--ip=127.0.0.1", "--port=0", `--ServerApp.root_dir=${folder}`],
    {
      detached: true,
      stdio: ["ignore", "ignore", "pipe"],
      env: {
        ...process.env,
        JUPYTER_PATH: join(folder, "prefix", "share", "jupyter"),
        JUPYTER_CONFIG_DIR: config,
        JUPYTER_DATA_DIR: join(folder, "data"),
        JUPYTER_RUNTIME_DIR: join(folder, "runtime"),
        JUPYTERLAB_SETTINGS_DIR: join(config, "settings"),
        JUPYTERLAB_WORKSPACES_DIR: join(config, "workspaces"),
      },
    },
  );
  const said: string[] = [];
  const lines = createInterface(server.stderr);
  const address = await new Promise<URL>((found, failed) => {
    lines.on("line", (line) => {
      said.push(line);
      const url = /http:\/\/127\.0\.0\.1:\d+\/lab\?token=\w+/.exec(line)?.[0];
      if (url) found(new URL(url));
    });
    server.on("exit", () => {
      failed(new Error(`JupyterLab ended before it was ready:\n${said.join("\n")}`));
    });
  });
  return { server, address };
}

/** The state of each code cell, as the page shows it: `[3]:` has run, `[*]:` runs or waits. */
const PROMPTS = `[...document.querySelectorAll(".jp-Notebook .jp-CodeCell .jp-InputPrompt")].map((e) => e.textContent)`;

/** Runs in the page: the width of an image once it is there to be drawn; rejects if it never will be. */
const pixelsAcross = async (image: unknown): Promise<number> => {
  const drawn = image as { decode: () => Promise<void>; naturalWidth: number };
  await drawn.decode();
  return drawn.naturalWidth;
};

suite("JupyterLab in a browser", { skip: needsLab.skip || needsChromium.skip }, () => {
  const folder = scratchFolder();
  let lab: { server: ChildProcess; address: URL } | undefined;
  let browser: Browser;

  before(async () => {
    ensureDist();
    for (const kernel of KERNELS) installKernel({ prefix: join(folder, "prefix"), kernel });
    writeFileSync(join(folder, notebook), emptied(join(NOTEBOOKS, notebook)));
    browser = await launchChromium();
    lab = await startLab(folder);
  });

  after(async () => {
    await browser.close();
    if (!lab) return;
    const ended = new Promise((done) => lab!.server.once("exit", done));
    // On SIGTERM it ends its kernels, too.
    lab.server.kill("SIGTERM");
    await ended;
  });

  async function open(path: string): Promise<Page> {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    page.setDefaultTimeout(PATIENCE_MS);
    const url = new URL(path, lab!.address);
    url.search = lab!.address.search;
    await page.goto(url.href);
    return page;
  }

  test("the launcher offers every kernel, with its logo", async () => {
    const page = await open("/lab");
    for (const kernel of KERNELS) {
      const logo = page.locator(
        `.jp-LauncherCard[data-category="Notebook"] img[src*="/kernelspecs/${kernel}/"]`,
      );
      await logo.waitFor();
      assert.ok((await logo.evaluate(pixelsAcross)) > 0);
    }
    await page.close();
  });

  test(`${notebook} is opened, run and shows its figures`, async () => {
    const code = readNotebook(join(NOTEBOOKS, notebook)).cells.filter(
      ({ cell_type }) => cell_type === "code",
    );
    const shows = code
      .flatMap(({ outputs }) => outputs)
      .filter(({ data }) => data && "image/svg+xml" in data);
    const page = await open(`/lab/tree/${notebook}`);
    // The notebook's own indicator is idle before there is a kernel, and cells that are run then are dropped.
    await page
      .locator("#jp-main-statusbar")
      .getByText(/^TypeScript \(ssm-scope\) \| Idle$/)
      .waitFor();
    await page.locator(".lm-MenuBar-item", { hasText: /^Run$/ }).click();
    await page.locator('.lm-Menu-item[data-command="runmenu:run-all"]').click();
    // A failed cell leaves those after it without a number.
    const errors = page.locator('.jp-OutputArea-output[data-mime-type="application/vnd.jupyter.error"]');
    const failed = errors
      .first()
      .waitFor()
      .then(async () => Promise.reject(new Error((await errors.first().textContent())!)));
    const done = page.waitForFunction(
      `${PROMPTS}.filter((text) => /\\d/.test(text)).length === ${code.length}`,
    );
    await Promise.race([done, failed]);
    const figures = page.locator('.jp-OutputArea-output[data-mime-type="image/svg+xml"] img');
    assert.ok(shows.length > 0);
    assert.equal(await figures.count(), shows.length);
    for (const figure of await figures.all()) {
      await figure.scrollIntoViewIfNeeded();
      const { width, height } = (await figure.boundingBox())!;
      assert.ok(width > 300 && height > 150, `${width} x ${height} px`);
      assert.ok((await figure.evaluate(pixelsAcross)) > 300);
    }
    if (process.env.SSM_SCOPE_SCREENSHOTS)
      await page.screenshot({ path: join(process.env.SSM_SCOPE_SCREENSHOTS, "lab.png") });
    assert.ok((await page.locator(".jp-RenderedHTML table").count()) > 0, "tables are tables");
    await page.close();
  });
});
