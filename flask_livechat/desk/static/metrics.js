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

  /** Between two ticks of an axis of times: so many seconds that people have a word for them. @param {number} most */
  function step(most) {
    const steps = [1, 5, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 43200, 86400];
    return steps.find((seconds) => most / seconds <= 6) || 86400 * Math.ceil(most / 86400 / 6);
  }

  /** @param {string | undefined} unit @param {number} value */
  function said(unit, value) {
    if (unit === "duration") return span(value);
    return unit === "share" ? `${Math.round(value * 100)}%` : String(value);
  }

  /** @param {number} column */
  function values(column) {
    return rows.map(({ cells }) => ("value" in cells[column].dataset ? Number(cells[column].dataset.value) : null));
  }

  /** @param {HTMLElement} figure */
  function draw(figure) {
    const { chart: type, unit, columns = "" } = figure.dataset;
    const paint = [colour("--first"), colour("--second")];
    const datasets = columns.split(",").map(Number).map((column, n) => ({
      label: heads[column],
      data: values(column),
      backgroundColor: paint[n],
      borderColor: paint[n],
      borderDash: n ? [6, 4] : [], // told apart without colour, too
      pointStyle: n ? "rectRot" : "circle",
      spanGaps: true,
    }));
    const plot = Object.assign(document.createElement("div"), { className: "plot" });
    const canvas = document.createElement("canvas");
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `${figure.textContent?.trim()}: a chart of the table behind the charts`);
    plot.append(canvas);
    figure.append(plot);
    figure.classList.add("drawn");
    const most = Math.max(1, ...datasets.flatMap(({ data }) => data.map(Number)));
    const axis = { ticks: { color: colour("--quiet") }, grid: { color: colour("--line") } };
    return new Chart(canvas, {
      type,
      data: { labels, datasets },
      options: {
        animation: false,
        maintainAspectRatio: false,
        scales: {
          x: axis,
          y: { ...axis, beginAtZero: true, suggestedMax: unit === "share" ? 1 : undefined, ticks: { ...axis.ticks, ...(unit === "duration" ? { stepSize: step(most) } : { precision: unit ? undefined : 0 }), callback: (/** @type {number} */ value) => said(unit, value) } },
        },
        plugins: {
          legend: { display: datasets.length > 1, labels: { color: colour("--ink"), usePointStyle: true } },
          tooltip: { callbacks: { label: (/** @type {any} */ item) => `${item.dataset.label}: ${said(unit, item.parsed.y)}` } },
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
