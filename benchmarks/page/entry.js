// A vendor's small entry: it pulls its chunks, which run in their order. Tawk.to's waits for the page's load event first.
(() => {
  const { chunks, late } = SETTINGS;
  const pull = () => {
    for (const src of chunks) {
      document.head.append(Object.assign(document.createElement("script"), { src, async: false }));
    }
  };
  if (late && document.readyState !== "complete") addEventListener("load", pull, { once: true });
  else pull();
})();
