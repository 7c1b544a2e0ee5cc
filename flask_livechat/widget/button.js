/**
 * Our own light button, which stands in until the vendor's is there, or for good when the app wants it so. And the
 * count of what an identified visitor has not read, until the vendor tells it: our server knows, where it keeps what is
 * said.
 *
 * And where a launcher leads when there is no chat to open.
 *
 * @param {LiveChat.Core} core @param {Record<string, string>} languages each one's file @returns {LiveChat.Button}
 */
function button({ call, chat, doc, vendor, base, inject, hasConsent, matches, report, safely }, languages) {
  const PROMPT_MS = 5000; // ms after a click within which a page may be left for it
  const WORD_MS = 15000; // for which a word stands, unless somebody is at it
  /** Languages that are written from right to left, where the browser does not say it. */
  const RTL = /^(ar|ckb|dv|fa|he|iw|ks|ps|sd|ug|ur|yi)\b|-arab/;
  /** @type {LiveChat.Texts} */
  let texts = {
    chat: "Chat with us", message: "Leave a message", unread: "{n} unread", unreachable: "Chat cannot be reached.",
    consent: "Chat needs your consent first.", contact: "Contact us",
  };
  let lang = "en"; // theirs
  /** The language that was asked for last: a file that does not come is not asked for again. */
  let language = lang;
  /** @type {HTMLElement | null} */
  let host = null;
  /** @type {HTMLButtonElement | undefined} */
  let face;
  let shown = false;
  const sheet = new CSSStyleSheet();
  let styles = ""; // its text
  /** On the top layer the host stands above this. @type {Element | null} */
  let below = null;
  /** What is said beside it. @type {{name: "unreachable" | "consent", href?: string} | null} */
  let word = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;

  if (vendor.kept) {
    if (doc.prerendering) doc.addEventListener("prerenderingchange", countLater, { once: true });
    else countLater();
  }
  // A modal dialog makes all that stands beside it inert: the button goes in, and comes out again. It may go with the
  // dialog, and the page may turn its direction.
  new MutationObserver((records) =>
    (host?.isConnected && records.every(({ type }) => type === "childList")) || follow(),
  ).observe(doc.documentElement, { childList: true, subtree: true, attributeFilter: ["open", "dir"] });
  for (const name of ["focusin", "pointerdown", "fullscreenchange"]) doc.addEventListener(name, follow, true);
  // A page may stop the click on its way to the button.
  addEventListener("click", (event) => {
    if (!chat.open || !face || !event.composedPath().includes(face)) return;
    event.preventDefault(); // it opens nothing then
    call("close");
  }, true);
  addEventListener("keydown", ({ key }) => key === "Escape" && say(null));
  addEventListener("pointerdown", (event) => host && !event.composedPath().includes(host) && say(null), true);
  return { draw, lead };

  function follow() {
    if (host) render();
  }

  function countLater() {
    (typeof requestIdleCallback === "function" ? requestIdleCallback : setTimeout)(() => count().catch(() => {}));
  }

  async function count() {
    const { page } = chat;
    // A page that is the same for everybody does not say who it is: then whoever was started here last may be somebody.
    if (!(page.who ?? chat.last) || page.load === "off" || chat.state !== "waiting" || !hasConsent()) return;
    const answer = await fetch(`${base}unread`, { credentials: "same-origin", cache: "no-store" });
    const { unread } = await answer.json();
    // By now the vendor tells, or it is another's.
    if (!(unread > 0) || chat.state !== "waiting" || chat.page !== page) return;
    chat.unread = unread;
    for (const element of doc.querySelectorAll("[data-livechat-unread]")) element.textContent = String(unread);
    render();
    report("unread", { count: unread });
  }

  // Where a launcher leads.

  /** @param {HTMLElement | undefined} launcher @param {number=} clicked ms since 1970 */
  function lead(launcher, clicked = Date.now()) {
    const target = vendor.fallback || (launcher instanceof HTMLAnchorElement && launcher.href);
    const url = target && safely(() => new URL(target, location.href));
    // The page's markup chooses a place, not code: no javascript: address gets through. And a bare "#" leads nowhere.
    const elsewhere = url && (url.hash || url.href.split("#")[0] !== location.href.split("#")[0]);
    const leaves = url && /^https?:/.test(url.protocol);
    const usable = elsewhere && (leaves ? navigator.onLine : /^(mailto|tel):/.test(url.protocol));
    if (usable && Date.now() - clicked < PROMPT_MS && !(leaves && isWriting())) return location.assign(url.href);
    say({ name: hasConsent(true) ? "unreachable" : "consent", href: usable ? url.href : undefined });
  }

  /** Whether a page that is left now takes something along that somebody is writing. */
  function isWriting() {
    return chat.written || elements(doc).some((/** @type {any} */ field) => {
      const used = field === /** @type {Document} */ (field.getRootNode()).activeElement;
      const forText = "input:not([type=button],[type=submit],[type=reset]),textarea,select";
      if (used && (field.isContentEditable || matches(field, forText))) return true;
      if (matches(field, "select")) {
        return Math.max(field.selectedIndex, 0)
          !== Math.max([...field.options].findIndex((option) => option.defaultSelected), 0);
      }
      return matches(field, "input,textarea")
        && (field.value !== field.defaultValue || field.checked !== field.defaultChecked);
    });
  }

  /** Of the open shadow roots, too. @param {Document | ShadowRoot} root @returns {Element[]} */
  function elements(root) {
    return [...root.querySelectorAll("*")].flatMap((element) =>
      [element, ...(element.shadowRoot ? elements(element.shadowRoot) : [])]);
  }

  /** Says something for a while, or no more. @param {typeof word} next */
  function say(next) {
    if (!next && !word) return;
    clearTimeout(timer);
    word = next;
    render();
    const output = host?.shadowRoot?.querySelector("output");
    if (word) timer = setTimeout(() => (output?.matches(":hover, :focus-within") ? say(word) : say(null)), WORD_MS);
  }

  /** Draws again in the page's language, else the browser's, once its file is here. */
  function translate() {
    const tags = [chat.page.settings.locale, doc.documentElement.lang, navigator.language, "en"]
      .map((tag) => (tag || "").replace("_", "-").toLowerCase());
    const best = tags.flatMap((tag) => [tag, tag.split("-")[0]]).find((tag) => languages[tag]) || "en";
    if (best === language) return;
    language = best;
    inject(languages[best], { livechat(/** @type {() => LiveChat.Texts} */ read) {
      if (best !== language) return;
      [lang, texts] = [best, read()];
      render();
    } });
  }

  // The button.

  /** What was said before is of a state that is over. @param {boolean} wanted */
  function draw(wanted) {
    shown = wanted;
    word = null;
    render();
  }

  /** Puts it there, brings it up to date, or takes it away. It stands where something is said, too. */
  function render() {
    if (!shown && !word) {
      host?.remove();
      host = null;
      return;
    }
    host = host || make();
    place(host);
    dress();
    translate();
    const [button, badge, output] = /** @type {HTMLElement[]} */ (
      [.../** @type {ShadowRoot} */ (host.shadowRoot).children]);
    const { unread, page: { settings } } = chat;
    const label = settings.closed && settings.offline === "leave-message" ? texts.message : texts.chat;
    for (const element of [button, output]) Object.assign(element, { lang, dir: direction() });
    button.setAttribute("aria-label", unread ? `${label}, ${texts.unread.replace("{n}", String(unread))}` : label);
    button.setAttribute("aria-expanded", String(!!chat.open));
    button.setAttribute("aria-busy", String(chat.state === "loading"));
    badge.textContent = unread ? String(unread) : "";
    const text = word ? texts[word.name] : "";
    if (output.firstChild?.textContent === (text || undefined)) return; // a live region says what is new in it
    const link = word?.href && Object.assign(doc.createElement("a"), { href: word.href, textContent: texts.contact });
    output.replaceChildren(text, ...(link ? [" ", link] : []));
  }

  /** Of our sentences. */
  function direction() {
    const locale = /** @type {any} */ (safely(() => new Intl.Locale(lang)));
    const { direction = RTL.test(lang) ? "rtl" : "ltr" } = locale?.getTextInfo?.() || locale?.textInfo || {};
    return direction;
  }

  /** Beside the body, which whatever swaps pages leaves alone, or in the dialog that is on top. @param {HTMLElement}
   * element */
  function place(element) {
    const dialog = safely(() => topModal(document) || [...doc.querySelectorAll("dialog:modal")].pop()) || null;
    const top = dialog || (word && doc.fullscreenElement);
    const parent = dialog || doc.documentElement;
    if (element.parentNode === parent && top === below) return;
    below = top;
    if (element.parentNode !== parent) put(element, parent);
    element.removeAttribute("popover");
    // On the top layer no dialog's own transform or overflow moves or cuts it, and nothing that is shown full-screen
    // hides it.
    if (top) safely(() => Object.assign(element, { popover: "manual" }).showPopover());
  }

  /** The modal dialog that all others are behind, and all else is inert under. @param {Document | ShadowRoot} root
   * @returns {Element | undefined} */
  function topModal(root) {
    for (const element of (root === document ? doc : root).elementsFromPoint(innerWidth / 2, innerHeight / 2)) {
      if (matches(element, "dialog:modal")) return element;
      const inner = element.getRootNode() === root && element.shadowRoot && topModal(element.shadowRoot);
      if (inner) return inner;
    }
    return undefined;
  }

  /** Where a dialog stays as high as it is: a rule of the page may be for its last child.
   * @param {Element} element @param {Element} parent */
  function put(element, parent) {
    const { clientHeight: height, lastElementChild: last } = parent;
    parent.append(element);
    if (matches(parent, "dialog") && parent.clientHeight !== height) parent.insertBefore(element, last);
  }

  /** Styles it for where the page wants it now. */
  function dress() {
    const { side, x = 20, y = 20, mobile_x: mobileX = 10, mobile_y: mobileY = 70 } = chat.page.settings.position || {};
    const rtl = getComputedStyle(doc.body || doc.documentElement).direction === "rtl";
    // Values only: no text of the page enters the CSS.
    const edge = (side || (rtl && "left")) === "left" ? "left" : "right";
    /** @param {number} across @param {number} up @param {number} more @param {number} width @param {number} height for
     * which there is room beside the edge, whatever the place that was chosen */
    const at = (across, up, more, width, height) => [[edge, across, "vw", width], ["bottom", up, "vh", height]]
      .map(([to, px, unit, size]) => {
        const wish = `${(Number(px) || 0) + more}px + env(safe-area-inset-${to},0px)`;
        return `${to}:max(0px,min(${wish},100${unit} - ${size}px));`;
      }).join("");
    // Through the CSSOM, so that a strict style-src holds. Important, since the page's rules for our element would win
    // over others. On a phone the panel has a way to close it, where we would stand.
    const text = [
      ":host{all:initial!important;position:fixed!important;width:0!important;height:0!important;"
        + "z-index:2147483000!important;overflow:visible!important}",
      ":host::before,:host::after{content:none!important}",
      `button,span,output{position:fixed;z-index:2147483000;${at(x, y, 0, 56, 56)}font:14px/1.4 system-ui,sans-serif}`,
      "button{width:56px;height:56px;border:2px solid transparent;border-radius:50%;padding:13px;cursor:pointer;"
        + "background:#1f3a5f;color:#fff;box-shadow:0 2px 10px #0005}",
      "button:focus-visible{outline:3px solid #fff;box-shadow:0 0 0 6px #1f3a5f}",
      "[aria-busy=true]{opacity:.7}",
      `span{${at(x, y, 38, 20, 20)}min-width:20px;border-radius:10px;background:#b3261e;color:#fff;`
        + "text-align:center;pointer-events:none}",
      `output{${at(x, y, 66, 276, 148)}box-sizing:border-box;max-width:min(260px,100vw - 16px);max-height:140px;`
        + "overflow:auto;overflow-wrap:anywhere;border:1px solid transparent;border-radius:8px;padding:8px 12px;"
        + "background:#fff;color:#111;box-shadow:0 2px 10px #0005}",
      "a{color:#1f3a5f}",
      ":empty:not(path){display:none}",
      `@media(max-width:640px){button{${at(mobileX, mobileY, 0, 56, 56)}}span{${at(mobileX, mobileY, 38, 20, 20)}}`
        + `output{${at(mobileX, mobileY, 66, 276, 148)}}[aria-expanded=true]{display:none}}`,
      // Where there is no room above the button, the word stands in its place.
      "@media(max-width:300px),(max-height:320px){output{inset:auto 8px 8px;max-width:none;"
        + "max-height:calc(100vh - 16px);width:fit-content;margin-inline-start:auto}}",
      "@media(prefers-color-scheme:dark){button{background:#a8c7fa;color:#0b1f3a}"
        + "output{background:#222;color:#eee}a{color:#a8c7fa}}",
      "@media(forced-colors:active){button{border-color:ButtonText}}",
      "@media print{*{display:none}}",
    ].join("");
    if (text !== styles) sheet.replaceSync(styles = text);
  }

  function make() {
    const element = doc.createElement("div");
    const shadow = element.attachShadow({ mode: "open" });
    face = doc.createElement("button");
    face.type = "button";
    face.dataset.livechatOpen = "";
    face.append(bubble());
    shadow.adoptedStyleSheets = [sheet];
    shadow.append(face, doc.createElement("span"), doc.createElement("output"));
    chat.own = element;
    return element;
  }

  function bubble() {
    const name = "http://www.w3.org/2000/svg";
    const svg = doc.createElementNS(name, "svg");
    const path = doc.createElementNS(name, "path");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    path.setAttribute("fill", "currentColor");
    path.setAttribute("d", "M4 3h16a2 2 0 0 1 2 2v10a2 2 0 0 1-2 2H9l-5 4v-4a2 2 0 0 1-2-2V5a2 2 0 0 1 2-2z");
    svg.append(path);
    return svg;
  }
}
