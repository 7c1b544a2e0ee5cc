// Makes loader.min.js of loader.js, and so on, beside each. The first line says which source it was made of.
// visitor.js is served in one file with session.js. loader.help.min.js is the loader of pages with the help panel.
// And copies the chart library that the metrics page serves, as it is.
import { createHash } from "node:crypto";
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { minify } from "terser";

const home = new URL("../../flask_livechat/", import.meta.url).pathname;
const PARTS = { "widget/session.js": ["widget/visitor.js"] };
const types = readFileSync(`${home}livechat.d.ts`, "utf-8");
const fields = ["SessionState", "VisitorStore"].flatMap((name) =>
  members(types.split(`interface ${name} {`)[1].split("\n  }")[0]));
const twice = fields.filter((name) => members(types).filter((other) => other === name).length > 1);
if (twice.length) throw new Error(`${twice} would be shortened where it must not be: give the field a name of its own`);
// Only these two files, minified together, read those fields: they need not be served at their full length.
const properties = { regex: new RegExp(`^(${fields.join("|")})$`) };

for (const name of readdirSync(home, { recursive: true })) {
  if (!/^(widget\/\w+|help\/panel|providers\/\w+\/widget)\.js$/.test(name) || Object.values(PARTS).flat().includes(name)) continue;
  const parts = PARTS[name] || [];
  const source = [name, ...parts].map((part) => readFileSync(home + part, "utf-8")).join("");
  const mangle = parts.length ? { properties } : {};
  const digest = createHash("sha256").update(source).digest("hex").slice(0, 16);
  // What is within `if (HELP)` is served to pages with the help panel alone.
  for (const [HELP, suffix] of source.includes("HELP") ? [[false, "min.js"], [true, "help.min.js"]] : [[false, "min.js"]]) {
    const compress = { passes: 3, keep_fargs: false, global_defs: { HELP } };
    const { code } = await minify(source, { ecma: 2022, compress, mangle });
    writeFileSync(home + name.replace(/js$/, suffix), `// ${digest}\n${code}`);
  }
}

function members(text) {
  return [...text.matchAll(/^ {4}(\w+)[?:(]/gm)].map((match) => match[1]);
}

const charts = new URL("node_modules/chart.js/", import.meta.url).pathname;
copyFileSync(`${charts}dist/chart.umd.min.js`, `${home}desk/static/chart.min.js`);
copyFileSync(`${charts}LICENSE.md`, `${home}desk/static/chart.LICENSE.md`);
