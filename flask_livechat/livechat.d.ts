// Types of the browser side, for `tsc --checkJs`. Nothing of this file is served.

declare namespace LiveChat {
  type Meta = Record<string, string | number | boolean>;

  /** Written into the first file by the server: what may be fetched, and what an earlier visitor leaves. */
  interface Vendor {
    name: string;
    /** The vendor, and a digest of the account. */
    account: string;
    /** A regular expression. */
    traces: string;
    can: string[];
    /** Where there is no vendor, and so no session, there is only help. */
    session: string;
    button: string;
    /** The help panel's file, and whether the vendor takes a prepared message: where pages may have the panel. */
    help: string;
    message?: boolean;
    /** Where a launcher leads when chat cannot. */
    fallback?: string;
    /** Attributes of ours count on elements in here alone. A CSS selector. */
    within?: string;
    /** Whether our server keeps what is said: it knows what a visitor has not read, and counts opens. */
    kept: boolean;
  }

  /** Written into the second file. */
  interface Rest {
    title: string;
    script: string;
    crossorigin: string | null;
    /** Origins that the vendor's script asks next. */
    hosts: string[];
    settings: Record<string, string>;
    elements: string;
    domain: string | null;
    failures: boolean;
    /** Of a token, in seconds. */
    life: number;
    /** Regular expressions for the vendor's cookies and stored items. */
    cookies: string;
    storage: string;
  }

  interface Position { side: "left" | "right"; x: number; y: number; mobile_x: number; mobile_y: number }

  interface Appearance {
    position: Position;
    mobile?: "hide";
    launcher?: "own" | "none";
    offline?: "hide" | "leave-message";
    closed?: boolean;
    consent?: "required" | "click" | "denied";
    /** What the page's rule starts, such as "survey:7"; a tour by its id alone. */
    start?: string;
    tour?: string | number;
    once?: Once;
    /** The page's rule wants nobody identified. */
    identify?: false;
    locale?: string;
    help?: Help;
  }

  /** What the help panel has on a page. */
  interface Help {
    articles?: true;
    /** A flow's name. */
    flow?: string;
    /** When somebody will be there, if nobody is: ISO 8601. */
    opens?: string;
  }

  interface Company {
    id: string; name?: string; plan?: string; website?: string; created_at?: number;
    /** And what else the vendor takes of a company. */
    [field: string]: string | number | boolean | undefined;
  }

  interface Visitor {
    id?: string; email?: string; name?: string; phone?: string; avatar?: string; created_at?: number;
    company?: Company; attributes?: Meta; segments?: string[];
  }

  /** Something that the visitor did, or segments (tags) that they are to have, or no longer. */
  type PageEvent = { name: string; metadata: Meta } | { name?: undefined; segment: string[]; unsegment: string[] };

  /** The page's data block. */
  interface Page {
    provider: string;
    load: string;
    settings: Appearance;
    visitor: Visitor | null;
    proof: Record<string, string> | null;
    context: Meta;
    events: PageEvent[];
    who: string | null;
    left: boolean;
    /** Not from the server, but kept by Turbo or htmx. */
    copy?: boolean;
  }

  /** What the server says of who is logged in. */
  type Identity = Pick<Page, "visitor" | "proof" | "context" | "events"> & { who: string };

  type State = "waiting" | "loading" | "ready" | "failed" | "ended";
  /** Whether something starts once for a visitor: in this browser, or wherever the app remembers it. */
  type Once = boolean | "" | "server";
  type Step = "start" | "restart" | "ready" | "fail" | "end";
  type Edges = Record<State, Partial<Record<Step, State>>>;
  /** A method of window.livechat, and its arguments. */
  type Call = [
    name: "open" | "close" | "show" | "hide" | "track" | "update" | "start" | "logout" | "consent",
    ...args: any[],
  ];

  /** What our files share. */
  interface Chat {
    state: State;
    status?: "online" | "away" | "offline" | null;
    page: Page;
    /** Calls that wait for the vendor, and are replayed in their order. */
    queue: Call[];
    /** Who was started last on this browser, as far as this page knows. */
    last: string | null;
    /** When the page, or our server, last said who is logged in: ms since 1970. */
    since: number;
    /** The page may speak of somebody who has left since: before a start the server is asked. */
    identityStale?: boolean;
    /** Consent was given, and could not be stored. */
    agreed?: boolean;
    /** `livechat.hide()` sets it, and `livechat.show()` ends it. */
    hidden?: boolean;
    open?: boolean;
    /** Whether the vendor was ready and its elements have left the document: then the page is told "loading". */
    gone?: () => boolean;
    unread?: number;
    /** Somebody has written something into the page. */
    written?: boolean;
    /** The element of our own button. */
    own?: Element;
  }

  /** What the other files may ask of the first. */
  interface Core {
    /** The document, whose methods no element of the page can stand in for. */
    doc: Document;
    matches(node: any, selector: string): boolean;
    vendor: Vendor;
    base: string;
    chat: Chat;
    readPage(): Page | null;
    /** Whether the page's data block is another one, or says something else, than the one that was read last. */
    pageChanged(): boolean;
    /** All elements that look like a data block. */
    blocks(): HTMLScriptElement[];
    call(...call: Call): any;
    inject(source: string, more: object): HTMLScriptElement;
    stored(name: string): string | null;
    keyOf(name: string): string;
    denied(): boolean;
    hasConsent(clicked?: boolean): boolean;
    within(event: Event, selector: string): HTMLElement | undefined;
    /** Whether this page shows no button to this visitor: on a phone, or while nobody is there. */
    hidden(): boolean;
    draw(): void;
    stop(): void;
    schedule(): void;
    openFallback(launcher?: HTMLElement, clicked?: number): false;
    report(name: string, detail?: unknown): void;
    /** Runs a call; what it throws goes to the console, never into the page. */
    safely<T>(call: () => T): T | null;
  }

  interface Session {
    start(clicked?: boolean): Promise<void>;
    call(...call: Call): any;
    onPageSwap(): void;
    /** Fetches what a start would need. */
    warm(): void;
  }

  /** The one open that waits for the vendor, and when it was asked for. */
  interface PendingOpen { text?: string; launcher?: HTMLElement; clicked: number; late?: boolean }

  type Timer = ReturnType<typeof setTimeout>;

  /** All that changes while a session lives. What is served has short names for its fields, as for VisitorStore's. */
  interface SessionState {
    /** Failures and logouts so far: what began before one must not go on after it. */
    generation: number;
    startTimer?: Timer;
    pendingOpen?: PendingOpen;
    /** Somebody else was here: the vendor's session begins anew. */
    freshSession: boolean;
    /** `who` stands in the storage, so another tab can change it. */
    whoStored?: boolean;
    /** The page is one that Turbo shows until the real one is here. */
    previewShown?: boolean;
    /** The page whose visitor the vendor has: of pages that are swapped fast, it is not always the one before. */
    identifiedPage: Page;
    /** The vendor's globals have been set. */
    globalsSet?: boolean;
    vendorAnswered?: boolean;
    /** Hints for the browser are in the page. */
    hintsAdded?: boolean;
    /** The last try failed, and the vendor has not been ready since. */
    failedBefore?: boolean;
    /** The script that was loaded last has answered. */
    scriptAnswered?: boolean;
    /** The vendor's elements have been seen in the document. */
    elementsSeen?: boolean;
    /** The visitor's chat was ended, and none has been started since. */
    sessionEnded?: boolean;
    /** The elements went with the body of a page that was swapped, and are on their way back. */
    elementsLost?: boolean;
    /** The page came out of the back/forward cache while the vendor was loading. */
    fromCache?: boolean;
    /** Whether the vendor's launcher is to be seen. */
    launcherVisible: boolean;
    /** The end under way. */
    ending: Promise<void>;
    vendorScript: HTMLScriptElement | null;
    failureReason: string;
    /** The question to our own server that is under way. */
    identityRequest?: Promise<Identity | null>;
    identityCheck?: Promise<void>;
    /** By how much the server's clock is ahead. */
    clockSkewMs: number;
    renewalTimer?: Timer;
    updateTimer?: Timer;
    /** The thumbs that were reported, one after the other. */
    ratings: Promise<void>;
    /** Attributes that the vendor has, and those on their way. */
    sentAttributes: Meta;
    changedAttributes: Meta;
    /** Who opened the chat, and gets the focus back. */
    openedFrom?: HTMLElement;
  }

  /** What visitor.js does for the session. */
  interface VisitorStore {
    cleanUp(): void;
    checkOwner(who: string | null): void;
    setOwner(who: string): void;
    knownOwner(): string;
    forgetVisitor(): void;
    findTraces(): string[];
    sweepTraces(): boolean;
    scheduleSweeps(): void;
    sweepIfEnded(): void;
    hasLogoutMark(page?: Page): boolean;
    takeStoredEvents(): Page["events"];
    hasStarted(content: string, now?: boolean): boolean;
    forgetConsent(): void;
    remember(name: string, value: string): boolean;
  }

  interface Button {
    draw(wanted: boolean): void;
    /** Leads to the configured place or to where the launcher's own link leads, or says that there is no chat. */
    lead(launcher: HTMLElement | undefined, clicked?: number): void;
  }

  /** Our few sentences in one language. */
  type Texts = Record<"chat" | "message" | "unread" | "unreachable" | "consent" | "contact" | "agree", string>;
  type PanelTexts = Record<"question" | "human" | "message" | "answers" | "nothing" | "send" | "close" | "opens", string>;

  interface Panel {
    /** Opens the panel for a launcher, or closes it. */
    toggle(launcher: HTMLElement): void;
    /** Shows answers under a form's field. */
    attach(field: HTMLTextAreaElement | HTMLInputElement): void;
    /** The chat is open. */
    opened(): void;
  }

  /** An article that answers. */
  interface Answer { title: string; url: string; excerpt: string }

  /** A step of a flow, as our server replies. */
  interface FlowReply {
    state: object;
    say: string;
    choices: { label: string; choice: number }[];
    ask: string | null;
    answer: string | null;
    articles: Answer[];
    human: string;
    done: string | null;
    end: "human" | "done" | null;
    handoff: {
      path: string; fields: Meta; help_seen: string; segment: string; message: string; transcript: Record<string, string>;
    };
    wait_s: number;
  }

  interface Files { session?: Session; button?: Button; help?: Panel }
  /** How a file hands over what it holds. */
  type Hand = (make: (core: Core) => any) => void;

  /** What an adapter may ask. */
  type AdapterCore = Pick<Core, "doc" | "safely"> & {
    /** Whether the vendor's own button is to be seen on this page. */
    vendorLauncher(): boolean;
    /** A global that a script has set: an element with such an id is none. */
    global(name: string): any;
    /** Takes a global away, or its value where it cannot be taken. */
    unset(name: string): void;
    /** The vendor is there. After an end it is ended at once. */
    ready(): void;
    /** The vendor refuses: launchers lead on, and the next click tries again. */
    failed(reason: string): void;
    /** Fetches the vendor's script anew. */
    load(): void;
    /** What the vendor writes after an end is swept while nobody else is here. */
    sweepLater(): void;
    report(name: "open" | "close" | "unread" | "message" | "status" | "rating", detail?: object): void;
    unsupported(what: string): false;
    warn(text: string): void;
  };

  type MakeAdapter = (vendor: Vendor & Rest, core: AdapterCore) => Adapter;

  /** One vendor's adapter. It never schedules; `start` sets what the vendor reads before its script arrives. */
  interface Adapter {
    start(page: Page, fresh: boolean): void;
    loaded?(): void;
    /** The page's body has been replaced by another one. Returns true where the vendor was lost with it, so that its
     * script is fetched anew. */
    swapped?(): boolean;
    /** Whether the widget is in the document, where its elements alone do not say it. */
    present?(): boolean;
    /** Tells the vendor who it is now: a new proof, a login, or somebody new after an end. Returns false where that
     * takes a new page. */
    identify(page: Page): false | void | Promise<void>;
    open(text?: string): void;
    close(): void;
    show(): void;
    hide(): void;
    track(name: string, meta: Meta): boolean | void;
    update(attributes: Meta): boolean | void;
    /** Adds and takes away segments or tags. A vendor without them has no such method. */
    segment?(added: string[], removed: string[]): void;
    /** Starts or shows one of the kinds that the vendor can: a tour, an article, a survey. */
    startContent(kind: string, id: string): void;
    end(): Promise<void>;
  }

  type Kind = "tour" | "article" | "survey" | "checklist" | "news" | "ticket" | "space" | "conversation" | "scenario"
    | "trigger";

  interface Api {
    open(text?: string): boolean;
    close(): boolean;
    show(): boolean;
    hide(): boolean;
    track(name: string, meta?: Meta): boolean;
    update(attributes: Meta): boolean;
    logout(): Promise<void>;
    consent(given: boolean): void;
    /** Starts or shows a tour, an article, a survey, … False where the vendor cannot. */
    start(kind: Kind, id: string | number, options?: { once?: boolean | "server" }): boolean;
    tour(id: string | number): boolean;
    article(id: string | number): boolean;
    readonly status: Chat["status"] | null;
    readonly state: State;
  }
}

/** In visitor.js, which is served in one file with session.js. */
declare function visitorStore(
  core: LiveChat.Core, vendor: LiveChat.Vendor & LiveChat.Rest, state: LiveChat.SessionState,
): LiveChat.VisitorStore;

/** Whether the page may have the help panel. It is decided when the files are made. */
declare const HELP: boolean;

interface Window {
  livechat?: LiveChat.Api;
  [vendorGlobal: string]: any;
}
interface Navigator {
  connection?: { saveData?: boolean; effectiveType?: string };
  globalPrivacyControl?: boolean;
}
interface Document { prerendering?: boolean }
interface HTMLScriptElement { livechat?: LiveChat.Hand; onheld?: () => void }
