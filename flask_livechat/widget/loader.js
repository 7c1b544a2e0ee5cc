/**
 * The core: when the vendor starts, launchers, ending. It knows no vendor; the adapter in the same file does.
 *
 *   waiting ──start──▶ loading ──ready──▶ ready ──logout──▶ ended ──open──▶ loading
 *                         └──fails──▶ failed ──click──▶ loading
 *
 * @param {LiveChat.Vendor} vendor written in by the server: the page's data never says what is fetched
 * @param {(vendor: LiveChat.Vendor, core: LiveChat.Core) => LiveChat.Room} makeRoom
 */
function loader(vendor, makeRoom) {
  const PATIENCE = 20000; // ms until a vendor that does not answer counts as failed
  const SMALL = "(max-width: 640px)";
  const base = new URL(".", /** @type {HTMLScriptElement} */ (document.currentScript).src).href;
  const found = readPage();
  // Asked of the own property: until it is set, the data block's id makes window.livechat that element.
  if (Object.hasOwn(window, "livechat") || !found || found.provider !== vendor.name) return;
  const page = found;

  /** @type {LiveChat.Api["state"]} */
  let state = "waiting";
  /** @type {LiveChat.Api["status"]} */
  let status = null;
  /** Calls made before the vendor is there, replayed in their order. @type {(() => unknown)[]} */
  let kept = [];
  /** The one open that waits for the vendor. @type {{text?: string, link?: string} | null} */
  let wanted = null;
  let opened = false;
  let fresh = false;
  let touched = false; // the vendor's globals have been set
  let arrived = false; // the vendor has answered
  /** Logouts so far: what began before one must not go on after it. */
  let era = 0;
  /** The end under way. @type {Promise<void>} */
  let ending = Promise.resolve();
  /** @type {HTMLScriptElement | null} */
  let script = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  /** @type {HTMLElement | null} */
  let stand = null;
  /** What the console was told already. @type {Set<string>} */
  const said = new Set();

  const looks = page.settings;
  const strategy = effective();
  looks.position = Object.assign({ side: "right", x: 20, y: 20, mobile_x: 10, mobile_y: 70 }, looks.position);
  const hidden = () => (looks.mobile === "hide" && matchMedia(SMALL).matches) || (looks.offline === "hide" && !!looks.closed);
  const room = makeRoom(vendor, { ready, report, unsupported, warn, safely, vendorLauncher });

  window.livechat = Object.freeze({
    open: (/** @type {string=} */ text) => ask(text),
    close: () => later(() => room.close()),
    show: () => later(() => room.show()),
    hide: () => later(() => room.hide()),
    track: (/** @type {string} */ name, /** @type {LiveChat.Meta} */ meta = {}) => later(() => room.track(name, meta)),
    update: (/** @type {LiveChat.Meta} */ attributes) => later(() => room.update(attributes)),
    tour: (/** @type {string | number} */ id) => supported("tour") && request(() => room.tour(id)),
    article: (/** @type {string | number} */ id) => supported("article") && request(() => room.article(id)),
    logout, consent,
    get status() { return status; },
    get state() { return state; },
  });

  pin(page.who);
  if (page.left || leftMark()) forgetVisitor();
  park();
  document.addEventListener("click", onClick);
  if (wantsButton()) addButton();
  schedule();
  carryOn();

  // When: the moments at which a strategy asks for the vendor.

  function schedule() {
    const [kind, argument] = strategy;
    if (hidden() || kind === "off" || kind === "manual") return;
    if (!maySpeak(false)) return onIntent(); // click means consent; required waits for livechat.consent(true)
    if (kind === "intent") {
      onIntent();
      if (stored("going") && !thrifty()) afterLoad(onIdle); // somebody may have answered meanwhile
      return;
    }
    if (kind === "eager") return start();
    if (kind === "idle") return afterLoad(onIdle);
    if (kind === "delay") return afterLoad(() => setTimeout(start, Number(argument) * 1000));
    if (kind === "scroll") return once(["scroll"], start);
    if (kind === "interaction") return once(["pointerdown", "pointermove", "keydown", "touchstart", "scroll", "wheel"], start);
    if (kind === "visible") return onVisible(argument);
  }

  /** The page's strategy, and its argument. What loads by itself elsewhere waits for a sign of interest where data is
   * dear or the page may never be looked at. @returns {string[]} */
  function effective() {
    const asked = split(page.load);
    const automatic = !["off", "manual", "intent"].includes(asked[0]);
    return automatic && (thrifty() || document.prerendering) ? ["intent", ""] : asked;
  }

  function thrifty() {
    const { saveData = false, effectiveType = "" } = navigator.connection || {};
    return saveData || effectiveType.includes("2g");
  }

  /** @param {() => void} then */
  function afterLoad(then) {
    if (document.readyState === "complete") then();
    else addEventListener("load", () => setTimeout(then), { once: true });
  }

  function onIdle() {
    // Not every browser has idle callbacks: there a pause does, and everywhere the wait has a cap.
    if (typeof requestIdleCallback === "function") requestIdleCallback(() => start(), { timeout: 4000 });
    else setTimeout(start, 1500);
  }

  /** @param {string[]} events @param {() => void} then */
  function once(events, then) {
    const run = () => {
      events.forEach((name) => removeEventListener(name, run, true));
      then();
    };
    events.forEach((name) => addEventListener(name, run, { capture: true, passive: true }));
  }

  /** @param {string} selector */
  function onVisible(selector) {
    const target = safely(() => document.querySelector(selector));
    if (!target || typeof IntersectionObserver !== "function") {
      if (target) return afterLoad(onIdle);
      warn(`load "visible:${selector}" finds nothing on this page: the chat waits for a launcher.`);
      if (!stand && looks.launcher !== "none") addButton();
      return onIntent();
    }
    const observer = new IntersectionObserver((entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      observer.disconnect();
      start();
    }, { rootMargin: "200px" });
    observer.observe(target);
  }

  /** Hover, focus or touch on a launcher. A click comes through onClick. */
  function onIntent() {
    for (const name of ["pointerover", "focusin", "touchstart"]) {
      document.addEventListener(name, (event) => {
        if (within(event, "[data-livechat-open]") && maySpeak(false)) start();
      }, { passive: true });
    }
  }

  // Starting and failing.

  /** @param {boolean=} clicked whether a person asked for it, here and now */
  async function start(clicked = false) {
    if (state === "ended" && clicked) return restart();
    if ((state !== "waiting" && state !== "failed") || !maySpeak(clicked)) return;
    if (clicked && looks.consent === "click") remember("consent", "yes");
    state = "loading";
    timer = setTimeout(() => fail("timeout"), PATIENCE);
    if (!(await fetchIdentity())) return;
    remember("who", page.who || "");
    touched = true;
    if (!safely(() => (room.start(page, fresh), true))) return fail("error");
    inject();
  }

  function inject() {
    const element = document.createElement("script");
    element.async = true;
    element.src = new URL(vendor.script, base).href;
    element.charset = "UTF-8";
    if (vendor.crossorigin !== null) element.setAttribute("crossorigin", vendor.crossorigin);
    element.onload = () => safely(() => room.loaded && room.loaded());
    element.onerror = () => {
      element.remove();
      if (script === element) fail("blocked");
    };
    if (script) script.remove(); // an earlier try
    script = element;
    document.head.append(element);
  }

  /** In fetch mode the page knows nobody: who it is comes from our own server, before the vendor is told anything. */
  async function fetchIdentity() {
    const began = era;
    if (page.who !== null) return true;
    try {
      const answer = await fetch(`${base}identity?provider=${vendor.name}`, { credentials: "same-origin", cache: "no-store" });
      if (!answer.ok) throw new Error(String(answer.status));
      const { visitor, proof, who, context, events } = await answer.json();
      if (era !== began) return false; // logged out meanwhile: the answer is about somebody who has left
      pin(who);
      Object.assign(page, { visitor, proof, who });
      Object.assign(page.context, context);
      page.events.push(...events);
      return true;
    } catch (error) {
      // Never start as nobody in particular: the vendor may still hold somebody's session.
      if (era === began) fail("identity");
      return false;
    }
  }

  function ready() {
    arrived = true;
    if (state === "ended") return void (ending = end()); // too late: whoever this was started for has left
    if (state !== "loading" && state !== "failed") return;
    clearTimeout(timer);
    state = "ready";
    hideButton();
    report("ready");
    if (hidden()) safely(() => room.hide());
    settle();
  }

  /** What waited: events of earlier pages, calls, a tour, and the one open. */
  function settle() {
    for (const { name, metadata } of [...parked(), ...page.events.splice(0)]) safely(() => room.track(name, metadata));
    unpark();
    if (looks.tour != null && supported("tour")) safely(() => room.tour(/** @type {string} */ (looks.tour)));
    looks.tour = undefined;
    const calls = kept;
    kept = [];
    calls.forEach((call) => safely(call));
    if (wanted) {
      const { text } = wanted;
      wanted = null;
      safely(() => room.open(text));
    }
  }

  // Events came with this page only, but the vendor may start on a later one: until then they wait in this tab.

  /** @returns {LiveChat.Page["events"]} */
  function parked() {
    const kept = safely(() => JSON.parse(sessionStorage.getItem(`livechat.${vendor.name}.events`) || "[]"));
    return Array.isArray(kept) ? kept : [];
  }

  function park() {
    const { events } = page;
    if (!events.length || !maySpeak(false)) return; // nothing is stored before consent
    const all = JSON.stringify([...parked(), ...events].slice(-20));
    safely(() => {
      sessionStorage.setItem(`livechat.${vendor.name}.events`, all);
      events.length = 0;
    });
  }

  function unpark() {
    safely(() => sessionStorage.removeItem(`livechat.${vendor.name}.events`));
  }

  /** @param {string} reason */
  function fail(reason) {
    if (state !== "loading") return;
    clearTimeout(timer);
    state = "failed";
    const asked = wanted;
    wanted = null;
    report("failed", { reason });
    if (asked) leadAway(asked.link);
  }

  /** Never a dead button: to the configured place, or to where the launcher's own link leads. @param {string=} link */
  function leadAway(link) {
    const target = looks.fallback || link;
    // The data block chooses values, not code: no javascript: address gets through.
    const url = target && safely(() => new URL(target, location.href));
    if (url && /^(https?|mailto|tel):$/.test(url.protocol)) location.assign(url.href);
  }

  /** After an end the vendor's script is still there: it begins anew, with nobody in particular. */
  async function restart() {
    await ending;
    if (state !== "ended") return;
    state = "loading";
    timer = setTimeout(() => fail("timeout"), PATIENCE);
    if (arrived && safely(() => room.resume(page)) !== false) return;
    // It never came, or keeps what it knows of a visitor for as long as the page lives: go on in a new one.
    safely(() => sessionStorage.setItem("livechat.open", JSON.stringify((wanted && wanted.text) || "")));
    location.reload();
  }

  /** The open that made the last page reload. */
  function carryOn() {
    const text = safely(() => sessionStorage.getItem("livechat.open"));
    if (text == null) return;
    safely(() => sessionStorage.removeItem("livechat.open"));
    ask(safely(() => JSON.parse(text)) || undefined);
  }

  // Asking for the chat.

  /** @param {string=} text @param {string=} link @returns {boolean} */
  function ask(text, link) {
    if (state === "ready") {
      safely(() => room.open(text));
      return true;
    }
    const shut = looks.closed && looks.offline === "hide" && (looks.fallback || link);
    if (strategy[0] === "off" || shut || !maySpeak(true)) {
      leadAway(link);
      return false;
    }
    wanted = { text, link };
    start(true);
    return true;
  }

  /** Kept until the vendor is there; does not start it. @param {() => unknown} call @returns {boolean} */
  function later(call) {
    if (state === "ready") return safely(call) !== false;
    if (kept.length < 100) kept.push(call);
    return true;
  }

  /** Like `later`, but starts the vendor. @param {() => unknown} call @returns {boolean} */
  function request(call) {
    const done = later(call);
    if (state !== "ready") start(true);
    return done;
  }

  /** The element that an event happened in, looked for through shadow roots: an icon may be a component of its own.
   * @param {Event} event @param {string} selector @returns {HTMLElement | undefined} */
  function within(event, selector) {
    const path = /** @type {HTMLElement[]} */ (event.composedPath());
    return path.find((node) => node instanceof Element && node.matches(selector));
  }

  /** @param {MouseEvent} event */
  function onClick(event) {
    const api = /** @type {LiveChat.Api} */ (window.livechat);
    const named = within(event, "[data-livechat-event]");
    if (named) api.track(named.dataset.livechatEvent || "");
    if (within(event, "[data-livechat-logout]")) logout();
    if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const tour = within(event, "[data-livechat-tour]");
    if (tour && api.tour(tour.dataset.livechatTour || "")) event.preventDefault();
    const launcher = within(event, "[data-livechat-open]");
    if (!launcher) return;
    event.preventDefault();
    ask(launcher.dataset.livechatMessage, launcher instanceof HTMLAnchorElement ? launcher.href : undefined);
  }

  // Our own light button, which stands in until the vendor's is there (or for good, when the app wants it so).

  function vendorLauncher() {
    return !looks.launcher && !hidden();
  }

  function wantsButton() {
    if (hidden() || looks.launcher === "none" || strategy[0] === "off") return false;
    return looks.launcher === "own" || strategy[0] === "intent" || !maySpeak(false);
  }

  function addButton() {
    const { x, y, mobile_x: mobileX, mobile_y: mobileY } = looks.position;
    const side = looks.position.side === "left" ? "left" : "right"; // values only: no text of the page enters the CSS
    const host = document.createElement("div");
    const button = document.createElement("button");
    const sheet = new CSSStyleSheet();
    // Through the CSSOM, so that a strict style-src holds.
    sheet.replaceSync(`
      button { position: fixed; ${side}: calc(${Number(x)}px + env(safe-area-inset-${side}, 0px));
        bottom: calc(${Number(y)}px + env(safe-area-inset-bottom, 0px)); z-index: 2147483000;
        width: 56px; height: 56px; border: 0; border-radius: 50%; background: #1f3a5f; color: #fff; cursor: pointer;
        box-shadow: 0 2px 10px rgb(0 0 0 / .3); padding: 14px; }
      button:focus-visible { outline: 3px solid #fff; box-shadow: 0 0 0 6px #1f3a5f; }
      @media ${SMALL} { button { ${side}: ${Number(mobileX)}px; bottom: ${Number(mobileY)}px; } }
      @media (forced-colors: active) { button { border: 2px solid ButtonText; } }
      @media print { button { display: none; } }`);
    button.type = "button";
    button.dataset.livechatOpen = "";
    button.setAttribute("aria-label", looks.closed && looks.offline === "leave-message" ? "Leave a message" : "Chat with us");
    button.append(bubble());
    const shadow = host.attachShadow({ mode: "open" });
    shadow.adoptedStyleSheets = [sheet];
    shadow.append(button);
    document.body.append(host);
    stand = host;
  }

  function bubble() {
    const name = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(name, "svg");
    const path = document.createElementNS(name, "path");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    path.setAttribute("fill", "currentColor");
    path.setAttribute("d", "M4 3h16a2 2 0 0 1 2 2v10a2 2 0 0 1-2 2H9l-5 4v-4a2 2 0 0 1-2-2V5a2 2 0 0 1 2-2z");
    svg.append(path);
    return svg;
  }

  function hideButton() {
    if (stand && looks.launcher !== "own") stand.remove();
  }

  // Ending: whoever was here is gone, in the vendor's script, its cookies and its storage.

  /** Ends this visitor's chat now. */
  function logout() {
    era += 1;
    state = touched ? "ended" : "waiting";
    clearTimeout(timer);
    kept = [];
    wanted = null;
    Object.assign(page, { visitor: null, proof: null, who: "", context: {}, events: [] });
    // Cookies first: a click on "log out" may leave the page before the vendor has answered.
    forgetVisitor();
    if (touched) ending = end();
    return ending;
  }

  async function end() {
    const patience = new Promise((done) => setTimeout(done, 3000));
    await Promise.race([safely(() => room.end()), patience]).catch((error) => console.warn("livechat:", error));
    sweep(); // what the vendor wrote while it ended
  }

  /** Who was started last on this browser is compared with who it is now: any difference ends the old session first.
   * Somebody who was anonymous and logs in keeps the conversation. @param {string | null} who */
  function pin(who) {
    const last = stored("who");
    if (who !== null && last && last !== who) forgetVisitor();
  }

  function forgetVisitor() {
    sweep();
    fresh = true;
    forget("who");
    forget("going");
    unpark();
    clearMark();
  }

  /** Exactly what the vendor's room names. */
  function sweep() {
    const labels = location.hostname.split(".");
    const parents = vendor.domain ? [vendor.domain] : labels.map((_, n) => labels.slice(n).join(".")).slice(0, -1);
    safely(() => matching(document.cookie.split("; ").map((pair) => pair.split("=")[0]), vendor.cookies).forEach((name) => {
      const gone = `${name}=; expires=Thu, 01 Jan 1970 00:00:00 GMT; path=/`;
      [gone, ...parents.map((domain) => `${gone}; domain=${domain}`)].forEach((cookie) => { document.cookie = cookie; });
    }));
    safely(() => matching(Object.keys(localStorage), vendor.storage).forEach((key) => localStorage.removeItem(key)));
  }

  /** @param {string[]} names @param {string[]} patterns a trailing * is any ending */
  function matching(names, patterns) {
    return names.filter((name) => patterns.some((pattern) => (
      pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern
    )));
  }

  /** The mark of a logout: a cookie with the vendors that have not ended yet. */
  function marks() {
    const found = safely(() => document.cookie.split("; ").find((pair) => pair.startsWith("livechat_left=")));
    return found ? found.slice(14).split(".") : [];
  }

  function leftMark() {
    return marks().includes(vendor.name);
  }

  function clearMark() {
    if (!leftMark()) return;
    const rest = marks().filter((name) => name !== vendor.name).join(".");
    document.cookie = `livechat_left=${rest}; path=/; samesite=lax; max-age=${rest ? 23328000 : 0}`;
  }

  // Consent.

  /** @param {boolean} clicked */
  function maySpeak(clicked) {
    if (!looks.consent) return true;
    return stored("consent") === "yes" || (clicked && looks.consent === "click");
  }

  /** @param {boolean} given */
  function consent(given) {
    if (given) {
      remember("consent", "yes");
      schedule();
    } else {
      forget("consent");
      logout();
    }
  }

  // What the vendor reports, and what the page is told.

  /** @param {string} name @param {object=} detail */
  function report(name, detail = {}) {
    const known = /** @type {{status?: LiveChat.Api["status"], count?: number}} */ (detail);
    if (name === "open" || name === "close") {
      if (opened === (name === "open")) return; // vendors repeat themselves
      opened = name === "open";
    }
    if (name === "message") remember("going", "1");
    if (name === "status") {
      if (known.status === status) return;
      status = known.status || null;
      if (looks.offline === "hide") safely(() => (status === "online" && vendorLauncher() ? room.show() : room.hide()));
    }
    if (name === "unread") {
      for (const element of document.querySelectorAll("[data-livechat-unread]")) {
        element.textContent = known.count ? String(known.count) : "";
      }
    }
    document.dispatchEvent(new CustomEvent(`livechat:${name}`, { detail }));
  }

  /** @param {string} what @returns {boolean} */
  function supported(what) {
    return vendor.can.includes(what) || unsupported(what);
  }

  /** @param {string} what @returns {false} */
  function unsupported(what) {
    warn(`${what} is not supported by ${vendor.title}.`);
    return false;
  }

  /** @param {string} text */
  function warn(text) {
    if (!said.has(text)) console.warn(`livechat: ${text}`);
    said.add(text);
  }

  // Small helpers.

  /** @returns {LiveChat.Page | null} */
  function readPage() {
    // Not by id alone: a heading, or what a visitor wrote, may have the same.
    const block = document.querySelector('script#livechat[type="application/json"]');
    const found = block && safely(() => JSON.parse(block.textContent || ""));
    return found && found.settings && found.context && Array.isArray(found.events) ? found : null;
  }

  /** The host page never breaks because of chat. @template T @param {() => T} call @returns {T | null} */
  function safely(call) {
    try {
      return call();
    } catch (error) {
      console.warn("livechat:", error);
      return null;
    }
  }

  /** @param {string} text */
  function split(text) {
    const at = text.indexOf(":");
    return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
  }

  // Storage may be blocked: then nothing is remembered, and nothing breaks.

  /** @param {string} name */
  function stored(name) {
    try { return localStorage.getItem(`livechat.${vendor.name}.${name}`); } catch { return null; }
  }

  /** @param {string} name @param {string} value */
  function remember(name, value) {
    try { localStorage.setItem(`livechat.${vendor.name}.${name}`, value); } catch { /* blocked */ }
  }

  /** @param {string} name */
  function forget(name) {
    try { localStorage.removeItem(`livechat.${vendor.name}.${name}`); } catch { /* blocked */ }
  }
}
