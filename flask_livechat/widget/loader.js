/**
 * What runs before the vendor's moment: whether the page has chat, when the vendor starts, and the launchers until
 * then. All else is fetched from our own origin once there is a use for it: session.js with visitor.js and the vendor's
 * adapter, and button.js.
 *
 * @param {LiveChat.Vendor} vendor written in by the server: the page's data never says what is fetched
 * @param {HTMLScriptElement} script this file's element
 */
function loader(vendor, script) {
  /** The document as the browser made it: an element named "querySelector" would stand in its method's place. @type
   * {Document} */
  const doc = new Proxy(/** @type {any} */ ({}), {
    get(_, name) {
      const value = Reflect.get(Document.prototype, name, document);
      return typeof value === "function" ? value.bind(document) : value;
    },
    set: (_, name, value) => Reflect.set(Document.prototype, name, value, document),
  });
  const base = new URL(".", script.src).href;
  const LAUNCHER = "[data-livechat-open]";
  const OURS = `${LAUNCHER},[data-livechat-event],[data-livechat-tour],[data-livechat-logout]`;
  const PATIENCE = 20000; // ms until a file of ours that does not arrive counts as failed, as the vendor's does
  const LONG = 3000; // ms for which a launcher is in view until what it opens is worth fetching
  /** What tells this app from others on the same origin: where it is, and the account. */
  const home = new URL(base).pathname + vendor.account;

  // A loader that is at work on this document hears this. One whose listeners document.open() has taken does not.
  const first = doc.dispatchEvent(new Event("livechat:probe", { cancelable: true })) ? readPage() : null;
  if (!first || first.provider !== vendor.name) return;

  /** What our files share. @type {LiveChat.Chat} */
  const chat = {
    state: "waiting", page: first, block: block(), blockText: blockText(), kept: [], last: stored("who"),
    since: Date.now(),
  };
  /** Our other files: on their way, and here. @type {Record<string, Promise<any>>} */
  const coming = {};
  /** @type {LiveChat.Files} */
  const here = {};
  /** The strategy's triggers on this page. */
  let moment = new AbortController();
  /** Whether our own button is to be seen. @type {boolean | undefined} */
  let buttonShown;
  /** @type {Event | undefined} */
  let handled; // the last click

  /** Where a policy asks for Trusted Types: an address that inject() makes, and nobody else's, may be a script's. */
  const types = safely(() => window.trustedTypes?.createPolicy("livechat", { createScriptURL: String }));

  /** What our other files may ask of this one. @type {LiveChat.Core} */
  const core = {
    doc, matches, vendor, base, home, chat, readPage, block, blockText, call, inject, stored, keyOf, denied, hasConsent,
    within, hidden, draw, stop, schedule, openFallback, report, safely,
  };
  const api = /** @type {any} */ ({
    consent,
    [Symbol.toStringTag]: "livechat",
    get status() { return chat.status ?? null; },
    get state() { return chat.gone?.() ? "loading" : chat.state; },
  });
  for (const name of /** @type {LiveChat.Call[0][]} */ (
    "open close show hide track update tour article logout".split(" ")
  )) {
    api[name] = (/** @type {any} */ value, /** @type {any} */ meta) => call(name, value, meta, Date.now());
  }
  // Asked of the own property: until it is set, the data block's id makes window.livechat that element. A getter is not
  // run.
  const taken = Object.getOwnPropertyDescriptor(window, "livechat");
  if (taken && taken.value?.[Symbol.toStringTag] !== "livechat") {
    console.error("livechat: the page has a window.livechat of its own. Rename it.");
  } else {
    window.livechat = Object.freeze(api);
  }

  listen();
  draw();
  schedule();
  activated(() => {
    if (needsCleanUp()) loadFile("session"); // which begins with that
    schedule();
  });

  // The page.

  /** The data block: the element right before our script. What else has its id, or its form, is not ours. */
  function block() {
    return blocks().find(({ nextElementSibling: next }) =>
      next instanceof HTMLScriptElement && next.src.startsWith(base));
  }

  function blocks() {
    return /** @type {HTMLScriptElement[]} */ ([...doc.querySelectorAll('script#livechat[type="application/json"]')]);
  }

  function blockText() {
    return block()?.textContent || "";
  }

  /** A page that the browser renders before anybody has asked for it does nothing in anybody's name. @param {() =>
   * void} then */
  function activated(then) {
    if (doc.prerendering) doc.addEventListener("prerenderingchange", then, { once: true });
    else then();
  }

  /** @param {any} node @param {string} selector @returns {boolean} */
  function matches(node, selector) {
    return node instanceof Element && Element.prototype.matches.call(node, selector);
  }

  /** @returns {LiveChat.Page | null} null for a page without chat, and for a block that is not ours */
  function readPage() {
    const element = block();
    const found = element && safely(() => JSON.parse(blockText()));
    const whole = found && [found.settings, found.context].every((part) => part && typeof part === "object")
      && Array.isArray(found.events) && (found.who === null || typeof found.who === "string");
    if (!whole) return null;
    // Turbo and htmx 2 keep copies of a page: what it says once, a copy does not say again.
    if ("livechatRead" in element.dataset) {
      Object.assign(found, { events: [], left: false, copy: true });
      found.settings.tour = undefined;
    }
    element.dataset.livechatRead = "";
    // Somebody else has written one, too: none of them names anybody, and our server says who it is.
    if (blocks().length > 1) Object.assign(found, { visitor: null, proof: null, who: null, context: {}, events: [] });
    // A page out of a cache may say so long after the mark has gone.
    return Object.assign(found, { load: String(found.load), left: found.left && marked() });
  }

  /** Whether something of an earlier visitor or page has to be seen to, whatever the strategy: rather once too often.
   */
  function needsCleanUp() {
    const { left, who, events } = chat.page;
    const names = safely(() => doc.cookie + Object.keys({ ...localStorage, ...sessionStorage })) || "";
    return left || events.length || marked() || (denied() && stored("consent")) || names.includes(keyOf("reopen"))
      || (chat.last && who !== null && who !== chat.last)
      || (!hasConsent() && (chat.last !== null || names.match(vendor.traces)));
  }

  /** The mark of a logout. */
  function marked() {
    return safely(() => doc.cookie.includes("livechat_left="));
  }

  function listen() {
    // Turbo, htmx and whatever else swaps pages all bring another data block, or change the one that is there.
    new MutationObserver(() => {
      if (here.session) here.session.onPageSwap();
      else if (!doc.prerendering && (block() !== chat.block || blockText() !== chat.blockText)) {
        loadFile("session").then((session) => session?.onPageSwap());
      }
    }).observe(doc.documentElement, { childList: true, characterData: true, subtree: true });
    doc.addEventListener("livechat:probe", (event) => event.preventDefault());
    doc.addEventListener("click", onClick);
    addEventListener("click", onClickBegun, true);
    addEventListener("input", () => { chat.written = true; }, true); // in an editor or a component, too
    // htmx follows every link that it boosts, a launcher, too: its click is taken before it comes to us.
    for (const name of ["htmx:beforeRequest", "htmx:before:request"]) {
      doc.addEventListener(name, (event) => launch(event, within(event, `a${LAUNCHER}`)));
    }
    doc.addEventListener("livechat:consent", (event) => consent(/** @type {CustomEvent} */ (event).detail === true));
    addEventListener("storage", ({ key }) => {
      if (key !== keyOf("consent")) return;
      chat.agreed = false;
      schedule();
    });
    // Whoever left this page for a while may have logged out meanwhile: before anybody is started, the server is asked.
    addEventListener("blur", doubtIdentity);
    addEventListener("pageshow", ({ persisted }) => persisted && doubtIdentity());
    window.cookieStore?.addEventListener("change", () => marked() && doubtIdentity());
  }

  function doubtIdentity() {
    chat.identityStale = true;
  }

  // When: the moments at which a strategy asks for the vendor.

  function stop() {
    moment.abort();
  }

  function schedule() {
    stop();
    moment = new AbortController();
    const { signal } = moment;
    const [, kind, argument] = /** @type {RegExpMatchArray} */ (effective().match(/^(\w*):?(.*)/));
    const go = () => void (signal.aborted || start());
    /** @param {string} events @param {(event: Event) => void} then */
    const on = (events, then) => events.split(" ").forEach((name) =>
      addEventListener(name, then, { capture: true, passive: true, signal }));
    const interest = () => {
      if (saveData()) return; // now: the browser's guess may change, and then the page still waits for the click
      if (stored("going")) return afterLoad(() => onIdle(go)); // somebody may have answered meanwhile
      on("pointerover focusin touchstart", (event) => { if (within(event, LAUNCHER)) warm(); });
      const soon = () => void setTimeout(() => signal.aborted || onIdle(warm), LONG);
      afterLoad(() => onIdle(() => buttonShown ? soon() : onVisible(LAUNCHER, soon, signal)));
    };
    if (hidden() || !hasConsent()) return; // `required` waits for livechat.consent(true), `click` for the click
    if (kind === "eager") go();
    if (kind === "idle") afterLoad(() => onIdle(go));
    if (kind === "delay") afterLoad(() => setTimeout(go, Number(argument) * 1000));
    if (kind === "scroll") on("scroll", go);
    if (kind === "interaction") on("pointerdown pointermove keydown touchstart scroll wheel", go);
    if (kind === "intent") interest();
    if (kind === "visible" && !onVisible(argument, go, signal)) {
      console.warn("livechat: no", argument); // the chat waits for a launcher
      buttonShown = true;
      draw();
      interest();
    }
  }

  /** The page's strategy. What loads by itself elsewhere waits for a sign of interest where data is dear, or the page
   * may never be looked at. */
  function effective() {
    const { load } = chat.page;
    const automatic = !/^(off|manual|intent)/.test(load);
    return automatic && (saveData() || doc.prerendering) ? "intent" : load;
  }

  function saveData() {
    const { saveData, effectiveType } = navigator.connection || {};
    return saveData || /2g/.test(`${effectiveType}`);
  }

  /** @param {() => void} then */
  function afterLoad(then) {
    if (doc.readyState === "complete") then();
    else addEventListener("load", () => setTimeout(then));
  }

  /** @param {() => void} then */
  function onIdle(then) {
    // Not every browser has idle callbacks: there a pause does, and everywhere the wait has a cap.
    if (typeof requestIdleCallback === "function") requestIdleCallback(then, { timeout: 4000 });
    else setTimeout(then, 1500);
  }

  /** @param {string} selector @param {() => void} then @param {AbortSignal} signal */
  function onVisible(selector, then, signal) {
    const target = safely(() => doc.querySelector(selector));
    if (!target) return false;
    const observer = new IntersectionObserver(
      (entries) => entries.some((entry) => entry.isIntersecting) && then(), { rootMargin: "200px" });
    observer.observe(target);
    signal.addEventListener("abort", () => observer.disconnect());
    return true;
  }

  /** Fetches what a click would need, without running any of the vendor's. */
  function warm() {
    if (!doc.hidden) loadFile("session").then((session) => session?.warm());
  }

  // Asking for the chat.

  /** @param {boolean=} clicked whether a person asked for it, here and now */
  function start(clicked) {
    stop();
    hurry().then((session) => session?.start(clicked));
  }

  function hurry() {
    if (!here.session) chat.state = "loading";
    draw();
    return loadFile("session");
  }

  /** What is asked before the session is here waits for it; opening fetches it. @param {LiveChat.Call} asked @returns
   * {any} */
  function call(...asked) {
    const [name, , launcher] = asked;
    if (doc.prerendering && !launcher) return activated(() => call(...asked)), true;
    if (name === "show" || name === "hide") {
      chat.hidden = name === "hide";
      draw();
    }
    if (here.session) return here.session.call(...asked);
    if (name === "logout") return loadFile("session").then((session) => session?.call(name));
    if (chat.kept.length < 100) chat.kept.push(asked);
    const shows = ["tour", "article"].includes(name);
    const can = !shows || vendor.can.includes(name);
    if (!can || name === "consent") loadFile("session");
    else if (shows || name === "open") hurry();
    return can;
  }

  /** One of our other files. @template {"session" | "button"} N @param {N} name
   * @returns {Promise<LiveChat.Files[N]>} undefined when it cannot be had; whoever asks next tries again */
  function loadFile(name) {
    return coming[name] = coming[name] || new Promise((done, refused) => {
      const hand = (/** @type {(core: LiveChat.Core) => any} */ make) => done(here[name] = here[name] || make(core));
      // Refused after it is done changes nothing; before, what came was not our file but a network's page, say.
      inject(vendor[name], { livechat: hand, onload: refused, onerror: refused, onheld: refused });
      setTimeout(refused, PATIENCE, "timeout");
    }).catch((why) => {
      delete coming[name];
      if (name === "session") loadFailed(why);
    });
  }

  /** @param {string} source @param {object} more @returns {HTMLScriptElement} */
  function inject(source, more) {
    const { href } = new URL(source, base);
    const element = Object.assign(
      doc.createElement("script"), { async: true, src: types ? types.createScriptURL(href) : href }, more);
    doc.head.append(element);
    // A consent manager gives a script that it holds back a type that no browser runs: no event tells of it.
    setTimeout(() => /^$|module|\/.*script$/.test(element.type) || element.onheld?.());
    return element;
  }

  /** Not even our own file came. @param {unknown} why */
  function loadFailed(why) {
    const asked = chat.kept.filter(([name]) => name === "open").pop();
    chat.kept = chat.kept.filter(([name]) => name !== "open");
    chat.state = "failed";
    report("failed", { reason: !navigator.onLine ? "offline" : why === "timeout" ? why : "blocked" });
    if (asked) openFallback(asked[2], asked[3]);
  }

  /** Never a dead button: to the configured place, to where the launcher's own link leads, or at least a word.
   * @param {HTMLElement=} launcher @param {number=} clicked ms since 1970 @returns {false} */
  function openFallback(launcher, clicked) {
    const { fallback = "" } = vendor;
    loadFile("button").then((button) => {
      if (button) button.lead(launcher, clicked);
      else if (confirm(`Chat cannot be reached. ${fallback}`) && fallback) location.assign(fallback);
    });
    return false;
  }

  /** The element that an event happened in, looked for through shadow roots: an icon may be a component of its own.
   * @param {Event} event @param {string} selector @returns {HTMLElement | undefined} */
  function within(event, selector) {
    const path = /** @type {HTMLElement[]} */ (event.composedPath());
    const { within = "*" } = vendor;
    const index = path.findIndex((node) => matches(node, selector));
    return path.slice(index).some((node) => node === chat.own || matches(node, within)) ? path[index] : undefined;
  }

  /** A menu or a dialog may stop a click on its way: then the last listener where it is stopped is ours, and sees
   * whether the page forbids it. @param {MouseEvent} event */
  function onClickBegun(event) {
    if (!within(event, OURS)) return;
    const signal = AbortSignal.timeout?.(0); // older browsers keep them, where they do nothing at the next click
    const look = () => void (event.cancelBubble && onClick(event));
    for (const node of event.composedPath()) {
      // A form may have a field of that name.
      for (const capture of [true, false]) addEventListener.call(node, "click", look, { capture, signal });
    }
    // Where no listener comes after it, what is behind it in the page's own does.
    const stop = event.stopImmediatePropagation;
    event.stopImmediatePropagation = () => {
      stop.call(event);
      queueMicrotask(look);
    };
  }

  /** @param {MouseEvent} event */
  function onClick(event) {
    if (event === handled) return;
    handled = event;
    const named = within(event, "[data-livechat-event]");
    if (named) call("track", named.dataset.livechatEvent);
    if (within(event, "[data-livechat-logout]")) call("logout");
    if (event.defaultPrevented) return;
    const tour = within(event, "[data-livechat-tour]");
    if (tour && call("tour", tour.dataset.livechatTour)) event.preventDefault();
    const launcher = within(event, LAUNCHER);
    // Another tab, a download: what a browser does with a link on such a click, it does.
    if (matches(launcher, "a[href]") && (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey)) return;
    launch(event, launcher);
  }

  /** @param {Event} event @param {HTMLElement | null | undefined} launcher */
  function launch(event, launcher) {
    if (!launcher) return;
    event.preventDefault();
    call("open", launcher.dataset.livechatMessage, launcher, Date.now());
  }

  // Whose button is seen: the vendor's, or our own light one, which stands in until the vendor's is there.

  function hidden() {
    const { mobile, offline, closed } = chat.page.settings;
    return (mobile === "hide" && matchMedia("(max-width: 640px)").matches) || (offline === "hide" && !!closed);
  }

  function wantsButton() {
    const { launcher, consent: mode } = chat.page.settings;
    if (chat.hidden || hidden() || launcher === "none" || chat.page.load === "off") return false;
    if (launcher === "own") return true;
    if (chat.state === "ready") return false;
    if (chat.state === "ended") return hasConsent(true);
    return buttonShown || effective() === "intent" || (mode === "click" && !hasConsent());
  }

  /** Brings our own button up to date, or has it taken away. */
  function draw() {
    const wanted = buttonShown = wantsButton();
    // It also counts what somebody who is known has not read.
    if (wanted || "button" in coming || (vendor.kept && (chat.page.who ?? chat.last))) {
      loadFile("button").then((button) => button?.draw(wanted));
    }
  }

  // Consent.

  function denied() {
    const { consent: mode } = chat.page.settings;
    // Global Privacy Control is a no where consent is required; a click on the launcher is a yes of its own.
    return mode === "denied" || (mode === "required" && !!navigator.globalPrivacyControl);
  }

  /** @param {boolean} given */
  function consent(given) {
    const yes = chat.agreed = given && !denied();
    // At once: the page may be left before the session is here.
    safely(() => (yes ? localStorage.setItem(keyOf("consent"), "yes") : localStorage.removeItem(keyOf("consent"))));
    if (yes) schedule();
    else call("consent", given);
  }

  /** @param {boolean=} clicked */
  function hasConsent(clicked) {
    const { consent: mode } = chat.page.settings;
    return !mode || (!!clicked && mode === "click") || (!denied() && (chat.agreed || stored("consent") === "yes"));
  }

  // For all of our files.

  /** @param {string} name @param {object=} detail */
  function report(name, detail = {}) {
    doc.dispatchEvent(new CustomEvent(`livechat:${name}`, { detail }));
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

  /** @param {string} name */
  function keyOf(name) {
    return `livechat${home}.${name}`;
  }

  /** @param {string} name @returns {string | null} also null where storage is blocked */
  function stored(name) {
    // Earlier versions kept it under names that two apps on one origin shared.
    try {
      return localStorage.getItem(keyOf(name)) ?? localStorage.getItem(`livechat.${vendor.name}.${name}`);
    } catch {
      return null;
    }
  }
}
