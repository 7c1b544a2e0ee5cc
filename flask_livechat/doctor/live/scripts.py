"""JavaScript that the check runs in pages: what happens there is told to it at once, and nothing is changed."""

# In every frame, before any other script. ``livechatDoctorSaw`` is the check's own.
WATCH = """
(() => {
  const saw = window.livechatDoctorSaw;
  if (!saw) return;
  const stack = () => new Error().stack || "";
  const note = (...what) => { try { saw(what); } catch { /* the frame is going away */ } };
  addEventListener("securitypolicyviolation", (event) =>
    note("violation", event.effectiveDirective, event.blockedURI, event.sourceFile));
  addEventListener("error", ({ error }) => error && note("error", error.name || "Error", error.stack || ""));
  addEventListener("unhandledrejection", ({ reason }) =>
    note("error", reason?.name || "Rejection", reason?.stack || ""));
  for (const name of ["ready", "open", "close", "failed"]) {
    document.addEventListener(`livechat:${name}`, (event) => note("event", name, event.detail?.reason || ""));
  }
  const { setItem } = Storage.prototype;
  Storage.prototype.setItem = function (name, value) {
    note("write", String(name), stack());
    return setItem.call(this, name, value);
  };
  const cookie = Object.getOwnPropertyDescriptor(Document.prototype, "cookie");
  Object.defineProperty(Document.prototype, "cookie", { ...cookie, set(text) {
    note("write", String(text).split("=")[0].trim(), stack());
    cookie.set.call(this, text);
  } });
})();
"""

STATE = "window.livechat && Object.hasOwn(window, 'livechat') ? livechat.state : 'absent'"

PAGE = """(() => {
  const block = document.querySelector('script#livechat[type="application/json"]');
  return block ? block.textContent : "";
})()"""

STORED = "({ local: { ...localStorage }, session: { ...sessionStorage } })"

# How many points of a grid over the window something of the vendor's covers, and is to be seen there.
COVERED = """(roots) => {
  let count = 0;
  for (let x = 20; x < innerWidth; x += 40)
    for (let y = 20; y < innerHeight; y += 40)
      count += document.elementsFromPoint(x, y).some((hit) =>
        hit.closest(roots) && hit.checkVisibility({ opacityProperty: true, visibilityProperty: true }));
  return count;
}"""
