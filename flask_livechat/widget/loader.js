/**
 * What runs before the vendor's moment: whose page this is, when the vendor starts, and the launchers until then.
 * What comes with the vendor (session.js and the vendor's adapter) is one more file of our own, fetched at that moment.
 *
 * @param {LiveChat.Vendor} vendor written in by the server: the page's data never says what is fetched
 */
function loader(vendor) {
  const base = new URL(".", /** @type {HTMLScriptElement} */ (document.currentScript).src).href;
  const SMALL = "(max-width: 640px)";
  const PATIENCE = 20000; // ms until a vendor that does not answer counts as failed
  /** Every way from one state to another; what is not here does not happen. @type {LiveChat.Edges} */
  const EDGES = {
    waiting: { start: "loading", end: "waiting" },
    loading: { ready: "ready", fail: "failed", end: "ended" },
    ready: { end: "ended" },
    failed: { start: "loading", ready: "ready", end: "ended" },
    ended: { start: "loading", end: "ended" },
  };

  // Asked of the own property: until it is set, the data block's id makes window.livechat that element.
  const first = Object.hasOwn(window, "livechat") ? null : readPage();
  if (!first || first.provider !== vendor.name) return;

  /** What both files hold on to. @type {LiveChat.Chat} */
  const chat = { state: "waiting", status: null, page: first, kept: [], wanted: null, fresh: false, known: false, era: 0, open: false, unread: 0 };
  /** The second file, once it is here. @type {LiveChat.Session | null} */
  let session = null;
  /** @type {Promise<LiveChat.Session> | null} */
  let coming = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  /** The strategy's triggers on this page. */
  let moment = new AbortController();
  let shown = words();
  /** The page is one that Turbo shows until the real one is here. */
  let preview = false;
  let agreed = false;
  let withdrawn = false;
  /** @type {HTMLElement | null} */
  let stand = null;
  /** What the console was told already. @type {Set<string>} */
  const said = new Set();

  /** What the second file may ask of this one. @type {LiveChat.Core} */
  const core = { vendor, base, chat, inject, move, fail, pin, logout, sweep, stored, remember, vendorLauncher, drawButton,
    schedule, report, unsupported, warn, safely };
  window.livechat = Object.freeze({
    open: (/** @type {string=} */ text) => ask(text),
    close: () => later("close"),
    show: () => later("show"),
    hide: () => later("hide"),
    track: (/** @type {string} */ name, /** @type {LiveChat.Meta} */ meta = {}) => later("track", name, meta),
    update: (/** @type {LiveChat.Meta} */ attributes) => later("update", attributes),
    tour: (/** @type {string | number} */ id) => supported("tour") && request("tour", id),
    article: (/** @type {string | number} */ id) => supported("article") && request("article", id),
    logout, consent,
    get status() { return chat.status; },
    get state() { return chat.state; },
  });

  if (outOfCache()) distrust();
  arrive();
  listen();
  carryOn();

  // The page, and the one that takes its place without a reload.

  /** The data block. Not by id alone: a heading, or what a visitor wrote, may have the same. */
  function block() {
    return /** @type {HTMLScriptElement | null} */ (document.querySelector('script#livechat[type="application/json"]'));
  }

  function words() {
    return block()?.textContent || "";
  }

  /** @returns {LiveChat.Page | null} null for a page without chat, and for a block that is not ours */
  function readPage() {
    const element = block();
    const found = element && safely(() => JSON.parse(words()));
    const whole = found && [found.settings, found.context].every((part) => part && typeof part === "object")
      && Array.isArray(found.events) && (found.who === null || typeof found.who === "string");
    if (!whole) return null;
    const looks = found.settings;
    const side = document.dir === "rtl" ? "left" : "right";
    // Turbo and htmx 2 keep copies of a page: what it says once, a copy does not say again.
    if ("livechatRead" in element.dataset) {
      Object.assign(found, { events: [], left: false });
      looks.tour = undefined;
    }
    element.dataset.livechatRead = "";
    looks.position = Object.assign({ side, x: 20, y: 20, mobile_x: 10, mobile_y: 70 }, looks.position);
    return Object.assign(found, { load: String(found.load) });
  }

  /** What a new page asks of a chat that has not started. */
  function arrive() {
    const { page } = chat;
    if (denied()) forget("consent");
    if (!maySpeak(false) || page.left) forgetVisitor();
    pin(page.who);
    park();
    drawButton();
    schedule();
  }

  /** Turbo, htmx and whatever else swaps pages all change the data block. */
  function look() {
    // A preview is an old copy. It is there for a while after its mark has gone.
    preview = preview || document.documentElement.hasAttribute("data-turbo-preview");
    if (preview || words() === shown) return;
    shown = words();
    const next = readPage();
    if (next && next.provider !== vendor.name) return location.reload(); // another vendor needs a page of its own
    const page = next || Object.assign({}, chat.page, { load: "off", events: [], left: false });
    if (page.left || marked()) leave();
    moment.abort();
    const before = chat.page;
    chat.page = page;
    // It may be a copy from before a login or a logout: the server says.
    if (page.settings.identify !== false && page.who !== before.who && (page.who || before.who)) page.who = null;
    if (chat.state !== "waiting" && denied()) consent(false); // withdrawn on the server
    if (session && chat.state !== "waiting") session.turn();
    else arrive();
  }

  /** A page out of a cache may speak of somebody who has left since: who it is has to come from the server. */
  function distrust() {
    if (chat.page.who) chat.page.who = null;
  }

  function outOfCache() {
    const [entry] = /** @type {PerformanceNavigationTiming[]} */ (performance.getEntriesByType("navigation"));
    return !!entry && (entry.type === "back_forward" || !entry.transferSize || entry.workerStart > 0);
  }

  function listen() {
    new MutationObserver(look).observe(document.documentElement, { childList: true, characterData: true, subtree: true });
    document.addEventListener("turbo:before-render", () => { preview = false; });
    for (const name of ["htmx:beforeRequest", "htmx:before:request"]) document.addEventListener(name, onBoosted);
    document.addEventListener("click", onClick);
    document.addEventListener("keydown", onKey);
    document.addEventListener("livechat:consent", (event) => consent(/** @type {CustomEvent} */ (event).detail === true));
    // Other tabs: what they forget or remember shows in the storage; a logout's mark, as soon as a response has set it.
    addEventListener("storage", ({ key, newValue }) => {
      if (key === null) agreed = false;
      if (key === null || key === keyOf("who")) elsewhere(newValue);
      if (key === keyOf("consent") && newValue) schedule();
      else if (key === keyOf("consent") && looks().consent) consent(false);
    });
    if (window.cookieStore) window.cookieStore.addEventListener("change", leaveIfMarked);
    addEventListener("pageshow", ({ persisted }) => {
      if (!persisted) return;
      if (chat.state === "waiting") distrust();
      wake(true);
    });
    addEventListener("focus", () => wake());
    document.addEventListener("visibilitychange", () => document.hidden || wake());
    addEventListener("pagehide", () => withdrawn && sweep());
  }

  /** @param {boolean=} restored */
  function wake(restored) {
    leaveIfMarked();
    if (chat.known && stored("who") !== chat.page.who) elsewhere(stored("who"));
    if (session) session.wake(!!restored);
  }

  /** A logout in another tab. Its mark stays for the page that follows it. */
  function leaveIfMarked() {
    if (marked()) leave();
  }

  function leave() {
    const over = !chat.page.who && chat.state !== "ready"; // a start takes the mark into account
    if (!over) logout();
  }

  /** Another tab has somebody else, or nobody. Somebody who was anonymous there and has logged in keeps the chat.
   * @param {string | null} who */
  function elsewhere(who) {
    if (chat.page.who !== null && who !== chat.page.who && !(who && !chat.page.who)) logout();
  }

  // When: the moments at which a strategy asks for the vendor.

  function schedule() {
    moment.abort();
    moment = new AbortController();
    const { signal } = moment;
    const [, kind, argument = ""] = /** @type {RegExpMatchArray} */ (effective().match(/^(\w*):?(.*)/));
    const go = () => void (signal.aborted || start());
    /** @param {string} events @param {(event: Event) => void} then */
    const on = (events, then) => events.split(" ").forEach((name) => addEventListener(name, then, { capture: true, passive: true, signal }));
    const onIntent = () => on("pointerover focusin touchstart", (event) => { if (within(event, "[data-livechat-open]")) go(); });
    if (hidden() || kind === "off" || kind === "manual") return;
    if (!maySpeak(false)) return; // `required` waits for livechat.consent(true), `click` for the click
    if (kind === "eager") return go();
    if (kind === "idle") return afterLoad(() => onIdle(go));
    if (kind === "delay") return afterLoad(() => setTimeout(go, Number(argument) * 1000));
    if (kind === "scroll") return on("scroll", go);
    if (kind === "interaction") return on("pointerdown pointermove keydown touchstart scroll wheel", go);
    if (kind === "visible" && onVisible(argument, go, signal)) return;
    onIntent();
    if (stored("going") && !thrifty()) afterLoad(() => onIdle(go)); // somebody may have answered meanwhile
  }

  /** The page's strategy. What loads by itself elsewhere waits for a sign of interest where data is dear, or the page may
   * never be looked at. */
  function effective() {
    const { load } = chat.page;
    const automatic = !["off", "manual", "intent"].includes(load);
    return automatic && (thrifty() || document.prerendering) ? "intent" : load;
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

  /** @param {() => void} then */
  function onIdle(then) {
    // Not every browser has idle callbacks: there a pause does, and everywhere the wait has a cap.
    if (typeof requestIdleCallback === "function") requestIdleCallback(then, { timeout: 4000 });
    else setTimeout(then, 1500);
  }

  /** @param {string} selector @param {() => void} then @param {AbortSignal} signal @returns {boolean} */
  function onVisible(selector, then, signal) {
    const target = safely(() => document.querySelector(selector));
    if (!target) {
      warn(`load "visible:${selector}" finds nothing on this page: the chat waits for a launcher.`);
      drawButton(true);
      return false;
    }
    const observer = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && then(), { rootMargin: "200px" });
    observer.observe(target);
    signal.addEventListener("abort", () => observer.disconnect());
    return true;
  }

  // Starting and failing.

  /** @param {boolean=} clicked whether a person asked for it, here and now */
  async function start(clicked = false) {
    if (!maySpeak(clicked) || !move("start")) return;
    const { era } = chat;
    withdrawn = false;
    moment.abort();
    if (clicked && looks().consent === "click") remember("consent", "yes");
    coming = coming || fetchSession();
    session = await coming.catch(() => (coming = null));
    if (era !== chat.era) return; // logged out meanwhile
    if (session) session.start();
    else fail("blocked");
  }

  /** @returns {Promise<LiveChat.Session>} */
  function fetchSession() {
    return new Promise((done, refused) => {
      /** @type {LiveChat.Hand} */
      const hand = (makeSession, makeRoom) => done(makeSession(core, makeRoom));
      // Refused after it is done changes nothing; before, what came was not our file but a network's page, say.
      inject(vendor.session, { livechat: hand, onload: refused, onerror: refused });
    });
  }

  /** @param {string} source @param {object} more @returns {HTMLScriptElement} */
  function inject(source, more) {
    const element = Object.assign(document.createElement("script"), { async: true, src: new URL(source, base).href }, more);
    document.head.append(element);
    return element;
  }

  /** Takes an edge, if there is one. @param {LiveChat.Event} event @returns {boolean} */
  function move(event) {
    const to = EDGES[chat.state][event];
    if (!to) return false;
    clearTimeout(timer);
    if (event === "fail" || event === "end") chat.era += 1; // what began before must not go on after it
    if (to === "loading") timer = setTimeout(() => fail("timeout"), PATIENCE);
    chat.state = to;
    drawButton();
    return true;
  }

  /** @param {string} reason */
  function fail(reason) {
    if (!move("fail")) return;
    const asked = chat.wanted;
    chat.wanted = null;
    if (!navigator.onLine) reason = "offline";
    report("failed", { reason });
    if (vendor.failures) safely(() => fetch(`${base}failures`, { method: "POST", keepalive: true, credentials: "omit",
      headers: { "Content-Type": "application/json" }, body: JSON.stringify({ provider: vendor.name, reason }) }).catch(() => {}));
    if (asked) leadAway(asked.launcher);
  }

  /** Never a dead button: to the configured place, to where the launcher's own link leads, or at least a word.
   * @param {HTMLElement=} launcher @returns {false} */
  function leadAway(launcher) {
    const target = looks().fallback || (launcher instanceof HTMLAnchorElement && launcher.href);
    // The data block chooses values, not code: no javascript: address gets through.
    const url = target && safely(() => new URL(target, location.href));
    if (url && (navigator.onLine ? /^(https?|mailto|tel):$/ : /^(mailto|tel):$/).test(url.protocol)) location.assign(url.href);
    else drawButton(true, maySpeak(true) ? "Chat cannot be reached right now. Please try again." : "Chat needs your consent first.");
    return false;
  }

  /** The open that made the last page reload. */
  function carryOn() {
    const text = safely(() => sessionStorage.getItem("livechat.open"));
    if (text == null) return;
    safely(() => sessionStorage.removeItem("livechat.open"));
    ask(text);
  }

  // Asking for the chat.

  /** @param {string=} text @param {HTMLElement=} launcher @returns {boolean} */
  function ask(text, launcher) {
    const { load, settings } = chat.page;
    const shut = settings.closed && settings.offline === "hide" && (settings.fallback || launcher instanceof HTMLAnchorElement);
    if (load === "off" || (chat.state !== "ready" && (shut || !maySpeak(true)))) return leadAway(launcher);
    chat.wanted = { text, launcher };
    if (chat.state === "ready") session?.settle();
    else start(true);
    return true;
  }

  /** Kept until the vendor is there; does not start it. @param {LiveChat.Call} call @returns {boolean} */
  function later(...call) {
    if (chat.state === "ready" && session) return session.call(...call);
    if (chat.kept.length < 100) chat.kept.push(call);
    return true;
  }

  /** Like `later`, but starts the vendor. @param {LiveChat.Call} call @returns {boolean} */
  function request(...call) {
    const done = later(...call);
    start(true);
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
    if (launcher === stand?.shadowRoot?.querySelector("button") && chat.open) api.close();
    else ask(launcher.dataset.livechatMessage, launcher);
  }

  /** htmx follows every link that it boosts, a launcher, too: its click is taken before it comes to us.
   * @param {Event} event */
  function onBoosted(event) {
    const { target } = event;
    if (!(target instanceof HTMLAnchorElement) || !target.matches("[data-livechat-open]")) return;
    event.preventDefault();
    ask(target.dataset.livechatMessage, target);
  }

  /** @param {KeyboardEvent} event */
  function onKey(event) {
    if (event.key === "Escape" && chat.open && within(event, "[data-livechat-open]")) later("close");
  }

  // Our own light button, which stands in until the vendor's is there (or for good, when the app wants it so).

  function looks() {
    return chat.page.settings;
  }

  function hidden() {
    return (looks().mobile === "hide" && matchMedia(SMALL).matches) || (looks().offline === "hide" && !!looks().closed);
  }

  function vendorLauncher() {
    return !looks().launcher && !hidden() && chat.page.load !== "off";
  }

  function wantsButton() {
    if (hidden() || looks().launcher === "none" || chat.page.load === "off") return false;
    if (looks().launcher === "own") return true;
    if (chat.state === "ready") return false;
    if (chat.state === "ended") return maySpeak(true) && vendorLauncher();
    return !!stand || effective() === "intent" || (looks().consent === "click" && !maySpeak(false));
  }

  /** Puts the button there, brings it up to date, or takes it away. @param {boolean=} wanted @param {string=} word */
  function drawButton(wanted = wantsButton(), word = "") {
    if (!wanted) {
      if (stand) stand.remove();
      stand = null;
      return;
    }
    stand = stand || makeButton();
    const [button, badge, note] = /** @type {HTMLElement[]} */ ([.../** @type {ShadowRoot} */ (stand.shadowRoot).children]);
    const { unread } = chat;
    const label = looks().closed && looks().offline === "leave-message" ? "Leave a message" : "Chat with us";
    button.setAttribute("aria-label", unread ? `${label}, ${unread} unread` : label);
    button.setAttribute("aria-expanded", String(!!chat.open));
    button.setAttribute("aria-busy", String(chat.state === "loading"));
    badge.textContent = unread ? String(unread) : "";
    note.textContent = word;
  }

  function makeButton() {
    const { x, y, mobile_x: mobileX, mobile_y: mobileY } = looks().position;
    const side = looks().position.side === "left" ? "left" : "right"; // values only: no text of the page enters the CSS
    /** @param {number} across @param {number} up @param {number} more */
    const place = (across, up, more) => `${side}: calc(${(Number(across) || 0) + more}px + env(safe-area-inset-${side}, 0px));
      bottom: calc(${(Number(up) || 0) + more}px + env(safe-area-inset-bottom, 0px))`;
    const host = document.createElement("div");
    const sheet = new CSSStyleSheet();
    // Through the CSSOM, so that a strict style-src holds.
    sheet.replaceSync(`
      * { position: fixed; z-index: 2147483000; ${place(x, y, 0)}; font: 14px/1.4 system-ui, sans-serif; }
      button { width: 56px; height: 56px; border: 2px solid transparent; border-radius: 50%; padding: 13px; cursor: pointer;
        background: #1f3a5f; color: #fff; box-shadow: 0 2px 10px #0005; }
      button * { position: static; }
      button:focus-visible { outline: 3px solid #fff; box-shadow: 0 0 0 6px #1f3a5f; }
      [aria-busy=true] { opacity: .7; }
      span { ${place(x, y, 38)}; min-width: 20px; border-radius: 10px; background: #b3261e; color: #fff; text-align: center;
        pointer-events: none; }
      output { ${place(x, y, 66)}; max-width: 240px; border-radius: 8px; padding: 8px 12px; background: #fff; color: #111;
        box-shadow: 0 2px 10px #0005; }
      :empty:not(path) { display: none; }
      @media ${SMALL} { button { ${place(mobileX, mobileY, 0)} } span { ${place(mobileX, mobileY, 38)} } output { ${place(mobileX, mobileY, 66)} } }
      @media (prefers-color-scheme: dark) { button { background: #a8c7fa; color: #0b1f3a; } output { background: #222; color: #eee; } }
      @media (forced-colors: active) { button { border-color: ButtonText; } }
      @media print { * { display: none; } }`);
    const shadow = host.attachShadow({ mode: "open" });
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.livechatOpen = "";
    button.append(bubble());
    shadow.adoptedStyleSheets = [sheet];
    shadow.append(button, document.createElement("span"), document.createElement("output"));
    // Beside the body: whatever swaps pages leaves it alone.
    document.documentElement.append(host);
    return host;
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

  // Whose chat it is. Whoever was here before is gone first: from the vendor's script, its cookies and its storage.

  /** Ends this visitor's chat now. @returns {Promise<void>} */
  async function logout() {
    moment.abort();
    move("end");
    Object.assign(chat, { kept: [], wanted: null, open: false, unread: 0, known: false });
    // Whoever asks for the chat after this: our server says who it is.
    Object.assign(chat.page, { visitor: null, proof: null, who: chat.page.who === "" ? "" : null, context: {}, events: [] });
    // Cookies first: a click on "log out" may leave the page before the vendor has answered.
    forgetVisitor();
    drawButton();
    if (session) await session.end();
  }

  /** Who was started last on this browser is compared with who it is now: any difference ends the old session first.
   * Somebody who was anonymous and logs in keeps the conversation. @param {string | null} who */
  function pin(who) {
    const last = stored("who");
    // No memory of anybody, but the vendor has one: storage may be full or was cleared in part. Not to be trusted.
    const other = who !== null && last !== who && last !== "" && (last !== null || traces().length > 0);
    if (other || marked()) forgetVisitor();
    const rest = marks().filter((name) => name !== vendor.name).join(".");
    if (marked()) document.cookie = `livechat_left=${rest}; path=/; samesite=lax; max-age=${rest ? 23328000 : 0}`;
  }

  function forgetVisitor() {
    chat.fresh = sweep() || chat.fresh || stored("who") !== null || marked();
    forget("who");
    forget("going");
    safely(() => sessionStorage.removeItem(keyOf("events")));
  }

  /** What the vendor's room names, of what is there. */
  function traces() {
    const names = safely(() => document.cookie.split("; ").map((pair) => pair.split("=")[0])) || [];
    return [...matching(names, vendor.cookies), ...matching(safely(() => Object.keys(localStorage)) || [], vendor.storage)];
  }

  /** Removes exactly that. @returns {boolean} whether there was anything */
  function sweep() {
    const labels = location.hostname.split(".");
    const parents = vendor.domain ? [vendor.domain] : labels.map((_, n) => labels.slice(n).join(".")).slice(0, -1);
    const found = traces();
    for (const name of found) {
      safely(() => localStorage.removeItem(name));
      for (const where of ["", ...parents.map((domain) => `; domain=${domain}`)]) {
        safely(() => { document.cookie = `${name}=; expires=Thu, 01 Jan 1970 00:00:00 GMT; path=/${where}`; });
      }
    }
    return found.length > 0;
  }

  /** @param {string[]} names @param {string[]} patterns a trailing * is any ending */
  function matching(names, patterns) {
    return names.filter((name) => patterns.some((pattern) => (
      pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern
    )));
  }

  /** The mark of a logout: a cookie with the vendors that have not ended yet. @returns {string[]} */
  function marks() {
    const found = safely(() => document.cookie.split("; ").find((pair) => pair.startsWith("livechat_left=")));
    return found ? found.slice(14).split(".") : [];
  }

  function marked() {
    return marks().includes(vendor.name);
  }

  // Events came with this page only, but the vendor may start on a later one: until then they wait in this tab.

  function park() {
    const { events } = chat.page;
    if (!events.length || !maySpeak(false)) return; // nothing is stored before consent
    safely(() => {
      const waiting = JSON.parse(sessionStorage.getItem(keyOf("events")) || "[]");
      sessionStorage.setItem(keyOf("events"), JSON.stringify([...waiting, ...events].slice(-20)));
      events.length = 0;
    });
  }

  // Consent.

  function denied() {
    // Global Privacy Control is a no where consent is required; a click on the launcher is a yes of its own.
    return looks().consent === "denied" || (looks().consent === "required" && !!navigator.globalPrivacyControl);
  }

  /** @param {boolean} clicked */
  function maySpeak(clicked) {
    const { consent: mode } = looks();
    return !mode || (clicked && mode === "click") || (!denied() && (agreed || stored("consent") === "yes"));
  }

  /** @param {boolean} given */
  function consent(given) {
    agreed = given;
    withdrawn = !given;
    if (!given) {
      forget("consent");
      return void logout();
    }
    if (denied()) return warn("consent is refused by the browser's Global Privacy Control, or by the page.");
    remember("consent", "yes");
    schedule();
  }

  // What the page is told.

  /** @param {string} name @param {object=} detail */
  function report(name, detail = {}) {
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

  /** The host page never breaks because of chat. @template T @param {() => T} call @returns {T | null} */
  function safely(call) {
    try {
      return call();
    } catch (error) {
      console.warn("livechat:", error);
      return null;
    }
  }

  // Storage may be blocked: then nothing is remembered, and nothing breaks.

  /** @param {string} name */
  function keyOf(name) {
    return `livechat.${vendor.name}.${name}`;
  }

  /** @param {string} name */
  function stored(name) {
    try { return localStorage.getItem(keyOf(name)); } catch { return null; }
  }

  /** @param {string} name @param {string} value */
  function remember(name, value) {
    try { localStorage.setItem(keyOf(name), value); } catch { /* blocked */ }
  }

  /** @param {string} name */
  function forget(name) {
    try { localStorage.removeItem(keyOf(name)); } catch { /* blocked */ }
  }
}
