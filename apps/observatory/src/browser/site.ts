/**
 * The built page (OBSERVATORY_DIST, or built for this) on a server in a subfolder, in a real Chromium without a GPU. For the tests of this folder; they are left out, loudly,
 * where there is no Chromium (CHROME_PATH, or the usual places).
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { build } from "vite";

const app = fileURLToPath(new URL("../..", import.meta.url));
const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".css": "text/css",
};

export const CHROMIUM: string | undefined = [
  process.env["CHROME_PATH"] ?? "",
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
].find((p) => p !== "" && existsSync(p));

if (CHROMIUM === undefined)
  console.warn("observatory: no Chromium found (set CHROME_PATH): THE PAGE IS NOT TESTED in a browser");

export class Site {
  /** What a page said that it should not have: console errors and warnings, exceptions, requests to elsewhere. */
  readonly complaints: string[] = [];

  private constructor(
    private readonly root: string,
    private readonly server: Server,
    private readonly browser: Browser,
  ) {}

  static async open(): Promise<Site> {
    const built = process.env["OBSERVATORY_DIST"];
    const folder = built ?? mkdtempSync(join(tmpdir(), "observatory-"));
    if (built === undefined)
      await build({
        root: app,
        configFile: join(app, "vite.config.ts"),
        logLevel: "error",
        build: { outDir: folder, emptyOutDir: true },
      });
    const server = createServer((req, res) => {
      const path = normalize(decodeURIComponent((req.url ?? "/").split("?")[0])).replace(/^\/sub\/folder\//, "");
      const file = join(folder, path === "" ? "index.html" : path);
      if (!file.startsWith(folder) || !existsSync(file)) {
        res.writeHead(404).end();
        return;
      }
      res
        .writeHead(200, { "content-type": TYPES[extname(file)] ?? "application/octet-stream" })
        .end(readFileSync(file));
    });
    await new Promise<void>((ok) => server.listen(0, "127.0.0.1", ok));
    const browser = await chromium.launch({
      executablePath: CHROMIUM as string,
      args: ["--no-sandbox", "--disable-gpu"],
    });
    return new Site(folder, server, browser);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/sub/folder/`;
  }
  /** Bytes of the built files, by name. */
  file(name: string): Buffer {
    return readFileSync(join(this.root, name));
  }

  /** A folder of the built files. */
  folder(name: string): string {
    return join(this.root, name);
  }

  /** A page at an address (the part from `#` on), watched. */
  async page(hash: string, o: BrowserContextOptions = {}): Promise<Page> {
    const context = await this.browser.newContext({ viewport: { width: 1440, height: 900 }, ...o });
    const page = await context.newPage();
    // a busy machine may be slow; no test is about how long anything takes
    page.setDefaultTimeout(100_000);
    const say = (what: string): void => void this.complaints.push(`${hash}: ${what}`);
    page.on("console", (m) => {
      if (m.type() === "error" || m.type() === "warning") say(`console ${m.type()}: ${m.text()}`);
    });
    page.on("pageerror", (e) => say(`exception: ${e.message}`));
    page.on("request", (r) => {
      if (!r.url().startsWith(this.url) && !/^(data|blob):/.test(r.url())) say(`request to ${r.url()}`);
    });
    await page.goto(this.url + hash);
    return page;
  }

  async close(): Promise<void> {
    await this.browser.close();
    await new Promise((ok) => this.server.close(ok));
    if (process.env["OBSERVATORY_DIST"] === undefined) rmSync(this.root, { recursive: true, force: true });
  }
}
