// node validate.mjs FILE...: the Khronos validator's report of every file, as one JSON object by file name.
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

const modules = createRequire(path.join(process.env.ENGINE_MODULES, "package.json"));
const validator = modules("gltf-validator");

const reports = {};
for (const file of process.argv.slice(2)) {
  try {
    reports[file] = await validator.validateBytes(new Uint8Array(fs.readFileSync(file)));
  } catch (error) {
    reports[file] = { refused: String(error) };
  }
}
console.log(JSON.stringify(reports));
