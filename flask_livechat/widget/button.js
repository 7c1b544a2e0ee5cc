/**
 * Our own light button stands in until the vendor's is there, or for good when the app wants it so. This file also
 * shows how much an identified visitor has not read until the vendor tells it, where our server stores events. And it
 * leads a launcher elsewhere when there is no chat to open.
 *
 * @param {LiveChat.Core} core @param {Record<string, string>} languages each one's file @returns {LiveChat.Button}
 */
function button(core, languages) {
  const { call, chat, doc, vendor, base, inject, denied, hasConsent, matches, report, safely } = core;
  const PROMPT_MS = 5000; // ms after a click within which a page may be left for it
  const NOTICE_MS = 15000; // for which a notice stands, unless a person points at it
  /** Languages that are written from right to left, where the browser does not say it. */
  const RTL = /^(ar|ckb|dv|fa|he|iw|ks|ps|sd|ug|ur|yi)\b|-arab/;
  const BUBBLE = "M4 3h16a2 2 0 0 1 2 2v10a2 2 0 0 1-2 2H9l-5 4v-4a2 2 0 0 1-2-2V5a2 2 0 0 1 2-2z";
  const LETTER = "M4 4h16a2 2 0 0 1 2 2l-10 6L2 6a2 2 0 0 1 2-2zM2 9l10 6 10-6v8a2 2 0 0 1-2 2H4a2 2 0 0 1-2-2z";
  const DOWN = "m4 9 2-2 6 6 6-6 2 2-8 8z";
  /** @type {LiveChat.Texts} */
  const ENGLISH = {
    chat: "Chat with us", message: "Leave a message", unread: "{n} unread", unreachable: "Chat cannot be reached.",
    consent: "Chat needs your consent first.", contact: "Contact us", agree: "Allow chat",
  };
  let texts = ENGLISH;
  let textsLanguage = "en"; // of the texts
  /** The language that was asked for last. A file that does not come is not asked for again. */
  let wantedLanguage = "";
  /** @type {HTMLElement | null} */
  let host = null;
  /** @type {HTMLButtonElement | undefined} */
  let buttonElement;
  let visible = false;
  const sheet = new CSSStyleSheet();
  let sheetText = "";
  /** The element that the host stands above, on the top layer. @type {Element | null} */
  let topElement = null;
  /** The notice beside the button. @type {{name: "unreachable" | "consent", href?: string, agree?(): void} | null} */
  let notice = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let noticeTimer;

  if (vendor.kept) {
    if (doc.prerendering) doc.addEventListener("prerenderingchange", fetchUnreadLater, { once: true });
    else fetchUnreadLater();
  }
  // A modal dialog makes all that stands beside it inert, so the button goes in and comes out again. It may be lost
  // with the dialog, and the page may turn its direction.
  new MutationObserver((records) =>
    (host?.isConnected && records.every(({ type }) => type === "childList")) || renderAgain(),
  ).observe(doc.documentElement, { childList: true, subtree: true, attributeFilter: ["open", "dir"] });
  for (const name of ["focusin", "pointerdown", "fullscreenchange"]) doc.addEventListener(name, renderAgain, true);
  // A page may stop the click on its way to the button.
  addEventListener("click", (event) => {
    if (!chat.open || !buttonElement || !event.composedPath().includes(buttonElement)) return;
    event.preventDefault(); // so that it opens nothing
    call("close");
  }, true);
  addEventListener("keydown", ({ key }) => key === "Escape" && showNotice(null));
  addEventListener("pointerdown", (event) => host && !event.composedPath().includes(host) && showNotice(null), true);
  return { draw, lead };

  function renderAgain() {
    if (host) render();
  }

  function fetchUnreadLater() {
    (typeof requestIdleCallback === "function" ? requestIdleCallback : setTimeout)(() => fetchUnread().catch(() => {}));
  }

  async function fetchUnread() {
    const { page } = chat;
    // A page that is the same for everybody names nobody. Then the visitor who was started here last may be known.
    if (!(page.who ?? chat.last) || page.load === "off" || chat.state !== "waiting" || !hasConsent()) return;
    const answer = await fetch(`${base}unread`, { credentials: "same-origin", cache: "no-store" });
    const { unread } = await answer.json();
    // By now the vendor may tell the number, or the page may be another's.
    if (!(unread > 0) || chat.state !== "waiting" || chat.page !== page) return;
    chat.unread = unread;
    for (const element of doc.querySelectorAll("[data-livechat-unread]")) element.textContent = String(unread);
    render();
    report("unread", { count: unread });
  }

  // Where a launcher leads.

  /** Leads to another place, or says that there is no chat.
   * @param {HTMLElement | undefined} launcher @param {number=} clicked ms since 1970 */
  function lead(launcher, clicked = Date.now()) {
    const target = vendor.fallback || (launcher instanceof HTMLAnchorElement && launcher.href);
    const url = target && safely(() => new URL(target, location.href));
    // The page's markup chooses a place, not code: no javascript: address gets through. A bare "#" leads nowhere.
    const elsewhere = url && (url.hash || url.href.split("#")[0] !== location.href.split("#")[0]);
    const leaves = url && /^https?:/.test(url.protocol);
    const usable = elsewhere && (leaves ? navigator.onLine : /^(mailto|tel):/.test(url.protocol));
    if (usable && Date.now() - clicked < PROMPT_MS && !(leaves && isWriting())) return location.assign(url.href);
    const name = hasConsent(true) ? "unreachable" : "consent";
    // A no stays a no: what the server, the browser or the page has refused here is not asked for again.
    const agree = name === "consent" && !denied() && chat.agreed === undefined ? () => {
      showNotice(null);
      report("consent", true); // as a consent manager does, so that the page hears it, too
      call("open", launcher?.dataset.livechatMessage, launcher, Date.now());
    } : undefined;
    showNotice({ name, agree, href: usable ? url.href : undefined });
  }

  /** Whether somebody is writing something that would be lost with the page. */
  function isWriting() {
    return chat.written || allElements(doc).some((/** @type {any} */ field) => {
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

  /** All elements, those of open shadow roots, too. @param {Document | ShadowRoot} root @returns {Element[]} */
  function allElements(root) {
    return [...root.querySelectorAll("*")].flatMap((element) =>
      [element, ...(element.shadowRoot ? allElements(element.shadowRoot) : [])]);
  }

  /** Shows a notice for a while, or takes it away. @param {typeof notice} next */
  function showNotice(next) {
    if (!next && !notice) return;
    clearTimeout(noticeTimer);
    notice = next;
    render();
    const output = host?.shadowRoot?.querySelector("output");
    if (notice) noticeTimer = setTimeout(
      () => (output?.matches(":hover, :focus-within") ? showNotice(notice) : showNotice(null)), NOTICE_MS);
  }

  /** Draws again in the page's language, else the browser's, once its file is here. */
  function translate() {
    const tags = [chat.page.settings.locale, doc.documentElement.lang, navigator.language, "en"]
      .map((tag) => (tag || "").replace("_", "-").toLowerCase());
    const best = tags.flatMap((tag) => [tag, tag.split("-")[0]]).find((tag) => languages[tag] || tag === "en") || "";
    if (best === wantedLanguage) return;
    wantedLanguage = best;
    if (languages[best]) inject(languages[best], { livechat(/** @type {() => LiveChat.Texts} */ read) {
      if (best !== wantedLanguage) return;
      [textsLanguage, texts] = [best, read()];
      render();
    } });
    else [textsLanguage, texts] = ["en", ENGLISH]; // unless the app has words of its own for it
  }

  // The button.

  /** Draws for a new state, of which a notice of before tells nothing. @param {boolean} wanted */
  function draw(wanted) {
    visible = wanted;
    notice = null;
    render();
  }

  /** Adds the button, brings it up to date, or takes it away. It is there for a notice, too. */
  function render() {
    if (!visible && !notice) {
      host?.remove();
      host = null;
      return;
    }
    host = host || createHost();
    place(host);
    applyStyles();
    translate();
    const [button, badge, output] = /** @type {HTMLElement[]} */ (
      [.../** @type {ShadowRoot} */ (host.shadowRoot).children]);
    const { open, unread, page: { settings } } = chat;
    const away = settings.closed && settings.offline === "leave-message";
    const label = away ? texts.message : texts.chat;
    const [icon, word] = button.children;
    icon.firstElementChild?.setAttribute("d", open ? DOWN : away ? LETTER : BUBBLE);
    word.textContent = away && !open ? label : "";
    for (const element of [button, output]) Object.assign(element, { lang: textsLanguage, dir: direction() });
    button.setAttribute("aria-label", unread ? `${label}, ${texts.unread.replace("{n}", String(unread))}` : label);
    button.setAttribute("aria-expanded", String(!!open));
    button.setAttribute("aria-busy", String(chat.state === "loading"));
    badge.textContent = unread ? String(unread) : "";
    const text = notice ? texts[notice.name] : "";
    if (output.firstChild?.textContent === (text || undefined)) return; // a live region says what is new in it
    output.replaceChildren(text);
    if (notice?.href) {
      output.append(" ", Object.assign(doc.createElement("a"), { href: notice.href, textContent: texts.contact }));
    }
    if (notice?.agree) {
      output.append(Object.assign(doc.createElement("button"), { onclick: notice.agree, textContent: texts.agree }));
    }
  }

  /** The direction of our sentences. */
  function direction() {
    const locale = /** @type {any} */ (safely(() => new Intl.Locale(textsLanguage)));
    const { direction = RTL.test(textsLanguage) ? "rtl" : "ltr" } = locale?.getTextInfo?.() || locale?.textInfo || {};
    return direction;
  }

  /** Puts the host beside the body, out of the way of swaps, or into the dialog that is on top.
   * @param {HTMLElement} element */
  function place(element) {
    const dialog = safely(() => topModal(document) || [...doc.querySelectorAll("dialog:modal")].pop()) || null;
    const top = dialog || (notice && doc.fullscreenElement);
    const parent = dialog || doc.documentElement;
    if (element.parentNode === parent && top === topElement) return;
    topElement = top;
    if (element.parentNode !== parent) insert(element, parent);
    element.removeAttribute("popover");
    // On the top layer no dialog's own transform or overflow moves or cuts it, and nothing that is shown full-screen
    // hides it.
    if (top) safely(() => Object.assign(element, { popover: "manual" }).showPopover());
  }

  /** The modal dialog that is before all others and makes all else inert. @param {Document | ShadowRoot} root
   * @returns {Element | undefined} */
  function topModal(root) {
    for (const element of (root === document ? doc : root).elementsFromPoint(innerWidth / 2, innerHeight / 2)) {
      if (matches(element, "dialog:modal")) return element;
      const inner = element.getRootNode() === root && element.shadowRoot && topModal(element.shadowRoot);
      if (inner) return inner;
    }
    return undefined;
  }

  /** Adds the host where a dialog stays as high as it is, since a rule of the page may be for its last child.
   * @param {Element} element @param {Element} parent */
  function insert(element, parent) {
    const { clientHeight: height, lastElementChild: last } = parent;
    parent.append(element);
    if (matches(parent, "dialog") && parent.clientHeight !== height) parent.insertBefore(element, last);
  }

  /** Styles the button for the place where the page wants it now. */
  function applyStyles() {
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
      `[aria-busy],span,output{position:fixed;z-index:2147483000;${at(x, y, 0, 56, 56)}`
        + "font:14px/1.4 system-ui,sans-serif}",
      "button{border:2px solid transparent;border-radius:28px;padding:4px 12px;cursor:pointer;"
        + "background:#1f3a5f;color:#fff}",
      "[aria-busy]{display:flex;align-items:center;gap:8px;min-width:56px;max-width:min(276px,100vw - 16px);"
        + "height:56px;padding:13px;box-shadow:0 2px 10px #0005}",
      "svg{flex:none;width:26px}",
      "b{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}",
      "button:focus-visible{outline:3px solid #fff;box-shadow:0 0 0 6px #1f3a5f}",
      "[aria-busy=true]{opacity:.7}",
      `span{${at(x, y, 38, 20, 20)}min-width:20px;border-radius:10px;background:#b3261e;color:#fff;`
        + "text-align:center;pointer-events:none}",
      `output{${at(x, y, 66, 276, 148)}box-sizing:border-box;max-width:min(260px,100vw - 16px);max-height:140px;`
        + "overflow:auto;overflow-wrap:anywhere;border:1px solid transparent;border-radius:8px;padding:8px 12px;"
        + "background:#fff;color:#111;box-shadow:0 2px 10px #0005}",
      "output button{display:block;margin-top:8px;font:inherit}",
      "a{color:#1f3a5f}",
      ":empty:not(path){display:none}",
      `@media(max-width:640px){b{display:none}[aria-busy]{${at(mobileX, mobileY, 0, 56, 56)}}`
        + `span{${at(mobileX, mobileY, 38, 20, 20)}}output{${at(mobileX, mobileY, 66, 276, 148)}}`
        + "[aria-expanded=true]{display:none}}",
      // Where there is no room above the button, the word stands in its place.
      "@media(max-width:300px),(max-height:320px){output{inset:auto 8px 8px;max-width:none;"
        + "max-height:calc(100vh - 16px);width:fit-content;margin-inline-start:auto}}",
      "@media(prefers-color-scheme:dark){button{background:#a8c7fa;color:#0b1f3a}"
        + "output{background:#222;color:#eee}a{color:#a8c7fa}}",
      "@media(forced-colors:active){button{border-color:ButtonText}}",
      "@media print{*{display:none!important}}",
    ].join("");
    if (text !== sheetText) sheet.replaceSync(sheetText = text);
  }

  function createHost() {
    const element = doc.createElement("div");
    const shadow = element.attachShadow({ mode: "open" });
    buttonElement = doc.createElement("button");
    buttonElement.type = "button";
    buttonElement.dataset.livechatOpen = "";
    buttonElement.append(createIcon(), doc.createElement("b"));
    shadow.adoptedStyleSheets = [sheet];
    shadow.append(buttonElement, doc.createElement("span"), doc.createElement("output"));
    chat.own = element;
    return element;
  }

  function createIcon() {
    const name = "http://www.w3.org/2000/svg";
    const svg = doc.createElementNS(name, "svg");
    const path = doc.createElementNS(name, "path");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    path.setAttribute("fill", "currentColor");
    svg.append(path);
    return svg;
  }
}
