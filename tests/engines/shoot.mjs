// node shoot.mjs SHOTS.json: draws every shot with three.js in headless Chromium and writes its PNG.
//
// A shot: {file, out, size_px, fov_degrees, camera [x, y, z], yaw, morphs {name: weight}, turns {joint: degrees along
// the axis}, mode "lit" | "unlit" | "normals" | "mask", background [r, g, b], ambient, lights}. Prints what three.js
// found in each file as JSON, by the shot's `out`. Everything is served from this machine.
import fs from "node:fs";
import http from "node:http";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";

const modules = process.env.ENGINE_MODULES;
const { chromium } = createRequire(path.join(modules, "package.json"))("playwright-core");
const here = import.meta.dirname;
const shots = JSON.parse(fs.readFileSync(process.argv[2]));
const types = { ".html": "text/html", ".mjs": "text/javascript", ".js": "text/javascript" };

function fileOf(url) {
  if (url.startsWith("/three/")) return path.join(modules, "node_modules", url);
  if (url.startsWith("/file/")) return shots[Number(url.slice("/file/".length))].file;
  return path.join(here, path.basename(url));
}

const server = http.createServer((request, response) => {
  const file = fileOf(new URL(request.url, "http://127.0.0.1").pathname);
  fs.readFile(file, (error, content) => {
    response.writeHead(error ? 404 : 200, {
      "Content-Type": types[path.extname(file)] ?? "application/octet-stream",
    });
    response.end(error ? "" : content);
  });
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));

const profile = fs.mkdtempSync(path.join(os.tmpdir(), "chromium-"));
const browser = await chromium.launchPersistentContext(profile, {
  executablePath: process.env.CHROMIUM,
  headless: true,
  args: [
    "--no-sandbox",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
});
try {
  const page = await browser.newPage();
  const complaints = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  await page.goto(`http://127.0.0.1:${server.address().port}/viewer.html`);
  await page.waitForFunction("window.isReady", null, { timeout: 60_000 });
  const found = {};
  for (const shot of shots) {
    const first = shots.findIndex((other) => other.file === shot.file);
    const taken = await page.evaluate((asked) => window.shoot(asked), { ...shot, url: `/file/${first}` });
    fs.writeFileSync(shot.out, Buffer.from(taken.png.split(",")[1], "base64"));
    found[shot.out] = taken.found;
  }
  console.log(JSON.stringify({ found, complaints }));
} finally {
  await browser.close();
  server.close();
  fs.rmSync(profile, { recursive: true, force: true });
}
