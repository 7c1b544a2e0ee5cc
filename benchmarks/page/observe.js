// Runs before anything of the page, and keeps what the browser reports of it.
(() => {
  const seen = { fcp: 0, lcp: 0, cls: 0, tasks: [], frames: [], delays: [], clicked: 0, opened: 0 };
  const watch = (type, then) =>
    new PerformanceObserver((list) => list.getEntries().forEach(then)).observe({ type, buffered: true });
  watch("paint", (entry) => { if (entry.name === "first-contentful-paint") seen.fcp = entry.startTime; });
  watch("largest-contentful-paint", (entry) => { seen.lcp = entry.startTime; });
  watch("layout-shift", (entry) => { if (!entry.hadRecentInput) seen.cls += entry.value; });
  watch("longtask", ({ startTime, duration }) => seen.tasks.push([startTime, startTime + duration]));
  watch("long-animation-frame", ({ scripts }) => {
    const ours = scripts.filter(({ sourceURL }) => sourceURL.includes("/livechat/"));
    seen.frames.push(ours.reduce((sum, { duration }) => sum + duration, 0));
  });

  addEventListener("click", ({ target, timeStamp }) => {
    if (target.closest("#elsewhere")) seen.delays.push(performance.now() - timeStamp);
    if (!target.closest("#opener") || seen.clicked) return;
    seen.clicked = timeStamp;
    requestAnimationFrame(look);
  }, true);

  function look() {
    const panel = document.querySelector("[id^=livechat-sandbox-]")?.shadowRoot.querySelector(".panel");
    if (panel?.checkVisibility()) seen.opened = performance.now();
    else requestAnimationFrame(look);
  }

  window.observed = {
    seen,
    origin: performance.timeOrigin,
    /** Something is seen, and the page's deferred scripts have run: the first moment at which somebody may click. */
    early: () => seen.fcp > 0 && document.readyState !== "loading"
      && performance.getEntriesByType("navigation")[0].domContentLoadedEventEnd > 0,
    /** Total blocking time from the first paint until now. */
    blocked: () => seen.tasks.reduce((sum, [start, end]) => sum + Math.max(0, end - Math.max(start, seen.fcp) - 50), 0),
    loaded: () => performance.getEntriesByType("navigation")[0].loadEventStart,
  };
})();
