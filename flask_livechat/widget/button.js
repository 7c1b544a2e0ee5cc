/**
 * Our own light button, which stands in until the vendor's is there, or for good when the app wants it so. And the count of
 * what an identified visitor has not read, until the vendor tells it: our server knows, where it keeps what is said.
 *
 * @param {LiveChat.Core} core @returns {LiveChat.Button}
 */
function button({ chat, doc, vendor, base, maySpeak, report }) {
  /** @type {HTMLElement | null} */
  let host = null;
  let drawn = [false, ""];

  if (vendor.kept) (typeof requestIdleCallback === "function" ? requestIdleCallback : setTimeout)(() => count().catch(() => {}));
  return draw;

  async function count() {
    const { page } = chat;
    // A page that is the same for everybody does not say who it is: then whoever was started here last may be somebody.
    if (!(page.who ?? chat.last) || page.load === "off" || chat.state !== "waiting" || !maySpeak()) return;
    const answer = await fetch(`${base}unread`, { credentials: "same-origin", cache: "no-store" });
    const { unread } = await answer.json();
    if (!(unread > 0) || chat.state !== "waiting" || chat.page !== page) return; // by now the vendor tells, or it is another's
    chat.unread = unread;
    for (const element of doc.querySelectorAll("[data-livechat-unread]")) element.textContent = String(unread);
    draw(.../** @type {[boolean, string]} */ (drawn));
    report("unread", { count: unread });
  }

  /** Puts the button there, brings it up to date, or takes it away. @param {boolean} wanted */
  function draw(wanted, word = "") {
    drawn = [wanted, word];
    if (!wanted) {
      host?.remove();
      host = null;
      return;
    }
    host = host || make();
    const [face, badge, note] = /** @type {HTMLElement[]} */ ([.../** @type {ShadowRoot} */ (host.shadowRoot).children]);
    const { unread, page: { settings } } = chat;
    const label = settings.closed && settings.offline === "leave-message" ? "Leave a message" : "Chat with us";
    face.setAttribute("aria-label", unread ? `${label}, ${unread} unread` : label);
    face.setAttribute("aria-expanded", String(chat.open));
    face.setAttribute("aria-busy", String(chat.state === "loading"));
    badge.textContent = unread ? String(unread) : "";
    note.textContent = word;
  }

  function make() {
    const { side, x = 20, y = 20, mobile_x: mobileX = 10, mobile_y: mobileY = 70 } = chat.page.settings.position || {};
    const edge = (side || (doc.dir === "rtl" && "left")) === "left" ? "left" : "right"; // values only: no text of the page enters the CSS
    /** @param {number} across @param {number} up @param {number} more */
    const place = (across, up, more) => `${edge}:calc(${(Number(across) || 0) + more}px + env(safe-area-inset-${edge},0px));`
      + `bottom:calc(${(Number(up) || 0) + more}px + env(safe-area-inset-bottom,0px));`;
    const element = doc.createElement("div");
    const sheet = new CSSStyleSheet();
    // Through the CSSOM, so that a strict style-src holds. On a phone the panel has a way to close it, where we would stand.
    sheet.replaceSync([
      `*{position:fixed;z-index:2147483000;${place(x, y, 0)}font:14px/1.4 system-ui,sans-serif}`,
      "button{width:56px;height:56px;border:2px solid transparent;border-radius:50%;padding:13px;cursor:pointer;background:#1f3a5f;color:#fff;box-shadow:0 2px 10px #0005}",
      "button *{position:static}",
      "button:focus-visible{outline:3px solid #fff;box-shadow:0 0 0 6px #1f3a5f}",
      "[aria-busy=true]{opacity:.7}",
      `span{${place(x, y, 38)}min-width:20px;border-radius:10px;background:#b3261e;color:#fff;text-align:center;pointer-events:none}`,
      `output{${place(x, y, 66)}max-width:240px;border-radius:8px;padding:8px 12px;background:#fff;color:#111;box-shadow:0 2px 10px #0005}`,
      ":empty:not(path){display:none}",
      `@media(max-width:640px){button{${place(mobileX, mobileY, 0)}}span{${place(mobileX, mobileY, 38)}}output{${place(mobileX, mobileY, 66)}}[aria-expanded=true]{display:none}}`,
      "@media(prefers-color-scheme:dark){button{background:#a8c7fa;color:#0b1f3a}output{background:#222;color:#eee}}",
      "@media(forced-colors:active){button{border-color:ButtonText}}",
      "@media print{*{display:none}}",
    ].join(""));
    const shadow = element.attachShadow({ mode: "open" });
    const face = doc.createElement("button");
    face.type = "button";
    face.dataset.livechatOpen = "";
    face.append(bubble());
    face.addEventListener("click", (event) => {
      if (!chat.open) return;
      event.preventDefault(); // it opens nothing then
      window.livechat?.close();
    });
    shadow.adoptedStyleSheets = [sheet];
    shadow.append(face, doc.createElement("span"), doc.createElement("output"));
    // Beside the body: whatever swaps pages leaves it alone.
    doc.documentElement.append(element);
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
