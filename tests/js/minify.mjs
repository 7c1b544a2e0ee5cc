// Makes loader.min.js of loader.js, and so on, beside each. The first line says which source it was made of.
// And copies the chart library that the metrics page serves, as it is.
import { createHash } from "node:crypto";
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { minify } from "terser";

const home = new URL("../../flask_livechat/", import.meta.url).pathname;
for (const name of readdirSync(home, { recursive: true })) {
  if (!/^(widget|providers)\/.*(?<!\.min)\.js$/.test(name)) continue;
  const path = home + name;
  const source = readFileSync(path, "utf-8");
  const { code } = await minify(source, { ecma: 2022, compress: { passes: 3, keep_fargs: false } });
  const digest = createHash("sha256").update(source).digest("hex").slice(0, 16);
  writeFileSync(path.replace(/js$/, "min.js"), `// ${digest}\n${code}`);
}
const charts = new URL("node_modules/chart.js/", import.meta.url).pathname;
copyFileSync(`${charts}dist/chart.umd.min.js`, `${home}desk/static/chart.min.js`);
copyFileSync(`${charts}LICENSE.md`, `${home}desk/static/chart.LICENSE.md`);
