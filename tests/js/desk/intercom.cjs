// Calls of the vendor's own package, as a list of [group.method, arguments] on standard input; their results on standard output.
const { IntercomClient } = require("intercom-client");
const { base, key, calls } = JSON.parse(require("fs").readFileSync(0, "utf8"));

const client = new IntercomClient({ token: key, environment: base, baseUrl: base, maxRetries: 0 });

(async () => {
  const results = [];
  for (const [method, args] of calls) {
    const [name, ...groups] = method.split(".").reverse();
    try {
      const given = await groups.reduceRight((group, part) => group[part], client)[name](...args);
      results.push({ result: given?.data ?? given ?? null });
    } catch (error) {
      results.push({ refused: String(error?.message ?? error), status: error?.statusCode ?? null });
    }
  }
  process.stdout.write(JSON.stringify(results));
})();
