// Calls of the vendor's own package, as a list of [method, arguments] on standard input; their results on standard output.
const { Crisp } = require("crisp-api");
const { base, identifier, key, calls } = JSON.parse(require("fs").readFileSync(0, "utf8"));

const client = new Crisp();
client.setRestHost(base);
client.authenticateTier("website", identifier, key);

(async () => {
  const results = [];
  for (const [method, args] of calls) {
    try {
      results.push({ result: (await client.website[method](...args)) ?? null });
    } catch (error) {
      results.push({ refused: String(error?.message ?? error), status: error?.code ?? null });
    }
  }
  process.stdout.write(JSON.stringify(results));
  process.exit(0); // its socket keeps the process alive
})();
