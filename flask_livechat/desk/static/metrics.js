/**
 * Draws the charts of what stands in the table behind them. Without this file the table stands there by itself.
 */
(() => {
  /** @type {any} */
  const { Chart } = window;
  const table = /** @type {HTMLTableElement | null} */ (document.getElementById("by-week"));
  if (!Chart || !table) return;

  const style = getComputedStyle(document.documentElement);
  const colour = (/** @type {string} */ name) => style.getPropertyValue(name).trim();
  const heads = [...table.tHead?.rows[0].cells || []].map((cell) => cell.textContent || "");
  const rows = [...table.tBodies[0].rows];
  const labels = rows.map((row) => row.cells[0].textContent || "");
  const sizes = /** @type {const} */ ([[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]]);

  /** @param {number} seconds */
  function span(seconds) {
    const [size, name] = sizes.find(([size]) => seconds >= size) || sizes[3];
    return `${Math.round((seconds / size) * 10) / 10} ${name}`;
  }

  // An axis of times grows by factors, so that a median is told from its target beside a p90 of many hours.
  const TIMES = [1, 10, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 43200, 86400, 172800, 604800, 2592000];

  /** @param {any} axis */
  function putTimes(axis) {
    axis.ticks = TIMES.filter((value) => value >= axis.min && value <= axis.max).map((value) => ({ value }));
  }

  /** @param {string | undefined} unit @param {number} value */
  function inWords(unit, value) {
    if (unit === "duration") return span(value);
    return unit === "share" ? `${Math.round(value * 100)}%` : String(value);
  }

  /** @param {number} column */
  function values(column) {
    return rows.map(({ cells }) => ("value" in cells[column].dataset ? Number(cells[column].dataset.value) : null));
  }

  /** A line where the target is. @param {string} label @param {string | undefined} value */
  function bound(label, value) {
    const line = { borderColor: colour("--alert"), backgroundColor: colour("--alert"), borderWidth: 1.5, borderDash: [2, 4] };
    return value ? [{ label, data: rows.map(() => Number(value)), pointRadius: 0, pointStyle: "line", ...line }] : [];
  }

  /** @param {HTMLElement} figure */
  function draw(figure) {
    const { chart: type, unit, columns = "", least, most } = figure.dataset;
    const paint = [colour("--first"), colour("--second")];
    const datasets = columns.split(",").map(Number).map((column, n) => ({
      label: heads[column],
      data: values(column),
      backgroundColor: paint[n],
      borderColor: paint[n],
      borderDash: n ? [6, 4] : [], // told apart without colour, too
      pointStyle: n ? "rectRot" : "circle",
      spanGaps: true,
    })).concat(/** @type {any} */ ([...bound("Target, at least", least), ...bound("Target, at most", most)]));
    const plot = Object.assign(document.createElement("div"), { className: "plot" });
    const canvas = document.createElement("canvas");
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `${figure.textContent?.trim()}: a chart of the table behind the charts`);
    plot.append(canvas);
    figure.append(plot);
    figure.classList.add("drawn");
    const axis = { ticks: { color: colour("--quiet") }, grid: { color: colour("--line") } };
    return new Chart(canvas, {
      type,
      data: { labels, datasets },
      options: {
        animation: false,
        maintainAspectRatio: false,
        scales: {
          x: axis,
          y: {
            ...axis,
            ...(unit === "duration" ? { type: "logarithmic", afterBuildTicks: putTimes } : { beginAtZero: true }),
            suggestedMax: unit === "share" ? 1 : undefined,
            ticks: { ...axis.ticks, precision: unit ? undefined : 0, callback: (/** @type {number} */ value) => inWords(unit, value) },
          },
        },
        plugins: {
          legend: { display: datasets.length > 1, labels: { color: colour("--ink"), usePointStyle: true } },
          tooltip: { callbacks: { label: (/** @type {any} */ item) => `${item.dataset.label}: ${inWords(unit, item.parsed.y)}` } },
        },
      },
    });
  }

  const figures = /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-chart]"));
  const charts = [...figures].map(draw);
  const behind = /** @type {HTMLDetailsElement | null} */ (document.querySelector("[data-behind-charts]"));
  if (behind) behind.open = false;

  // On paper everything stands open, and charts are as wide as the paper.
  const shut = () => [...document.querySelectorAll("details")].filter((one) => !one.open);
  /** @type {HTMLDetailsElement[]} */
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = shut();
    for (const one of opened) one.open = true;
    for (const chart of charts) chart.resize();
  });
  addEventListener("afterprint", () => {
    for (const one of opened) one.open = false;
    for (const chart of charts) chart.resize();
  });
})();
