// Types of the browser side, for `tsc --checkJs`. Nothing of this file is served.

declare namespace LiveChat {
  type Meta = Record<string, string | number | boolean>;

  /** Written into the served file by the server: what may be fetched and touched. */
  interface Vendor {
    name: string;
    title: string;
    script: string;
    session: string;
    elements: string;
    failures: boolean;
    crossorigin: string | null;
    settings: Record<string, string>;
    cookies: string[];
    storage: string[];
    domain: string | null;
    can: string[];
  }

  interface Position { side: "left" | "right"; x: number; y: number; mobile_x: number; mobile_y: number }

  interface Looks {
    position: Position;
    mobile?: "hide";
    launcher?: "own" | "none";
    offline?: "hide" | "leave-message";
    closed?: boolean;
    consent?: "required" | "click" | "denied";
    fallback?: string;
    tour?: string | number;
    /** The page's rule wants nobody identified. */
    identify?: false;
    locale?: string;
  }

  interface Company { id: string; name?: string; plan?: string; website?: string; created_at?: number }

  interface Visitor {
    id?: string; email?: string; name?: string; phone?: string; avatar?: string; created_at?: number;
    company?: Company; attributes?: Meta; segments?: string[];
  }

  /** The page's data block. */
  interface Page {
    provider: string;
    load: string;
    settings: Looks;
    visitor: Visitor | null;
    proof: Record<string, string> | null;
    context: Meta;
    events: { name: string; metadata: Meta }[];
    who: string | null;
    left: boolean;
  }

  /** What the server says of who is logged in. */
  type Identity = Pick<Page, "visitor" | "proof" | "context" | "events"> & { who: string };

  type State = "waiting" | "loading" | "ready" | "failed" | "ended";
  type Event = "start" | "ready" | "fail" | "end";
  type Edges = Record<State, Partial<Record<Event, State>>>;
  /** A method of the adapter, and its arguments. */
  type Call = [name: "close" | "show" | "hide" | "track" | "update" | "tour" | "article", ...args: any[]];

  /** What the two files of our own share. */
  interface Chat {
    state: State;
    status: "online" | "away" | "offline" | null;
    page: Page;
    /** Calls made before the vendor is there, replayed in their order. */
    kept: Call[];
    /** The one open that waits for the vendor. */
    wanted: { text?: string; launcher?: HTMLElement } | null;
    /** Somebody else was here: the vendor's session begins anew. */
    fresh: boolean;
    /** `who` stands in the storage, so another tab can change it. */
    known: boolean;
    /** Failures and logouts so far. */
    era: number;
    open: boolean;
    unread: number;
  }

  /** What the second file may ask of the first. */
  interface Core {
    vendor: Vendor;
    base: string;
    chat: Chat;
    inject(source: string, more: object): HTMLScriptElement;
    move(event: Event): boolean;
    fail(reason: string): void;
    pin(who: string): void;
    logout(): Promise<void>;
    sweep(): boolean;
    stored(name: string): string | null;
    remember(name: string, value: string): void;
    /** Whether the vendor's own button is to be seen on this page. */
    vendorLauncher(): boolean;
    drawButton(): void;
    schedule(): void;
    report(name: string, detail?: object): void;
    unsupported(what: string): false;
    warn(text: string): void;
    /** Runs a call; what it throws goes to the console, never into the page. */
    safely<T>(call: () => T): T | null;
  }

  interface Session {
    start(): Promise<void>;
    call(...call: Call): boolean;
    settle(): void;
    turn(): Promise<void>;
    wake(restored: boolean): void;
    end(): Promise<void>;
  }

  /** What an adapter may ask. */
  type Ears = Pick<Core, "vendorLauncher" | "unsupported" | "warn" | "safely"> & {
    /** The vendor is there. After an end it is ended at once. */
    ready(): void;
    report(name: "open" | "close" | "unread" | "message" | "status" | "rating", detail?: object): void;
  };

  type MakeRoom = (vendor: Vendor, core: Ears) => Room;
  /** How the second file hands over what it holds. */
  type Hand = (makeSession: (core: Core, makeRoom: MakeRoom) => Session, makeRoom: MakeRoom) => void;

  /** One vendor's adapter. It never schedules; `start` sets what the vendor reads before its script arrives. */
  interface Room {
    start(page: Page, fresh: boolean): void;
    loaded?(): void;
    /** Tell the vendor who it is now: a new proof, a login, or somebody new after an end. False: that takes a new page. */
    identify(page: Page): false | void | Promise<void>;
    open(text?: string): void;
    close(): void;
    show(): void;
    hide(): void;
    track(name: string, meta: Meta): boolean | void;
    update(attributes: Meta): boolean | void;
    tour(id: string | number): boolean | void;
    article(id: string | number): boolean | void;
    end(): Promise<void>;
  }

  interface Api {
    open(text?: string): boolean;
    close(): boolean;
    show(): boolean;
    hide(): boolean;
    track(name: string, meta?: Meta): boolean;
    update(attributes: Meta): boolean;
    logout(): Promise<void>;
    consent(given: boolean): void;
    tour(id: string | number): boolean;
    article(id: string | number): boolean;
    readonly status: Chat["status"];
    readonly state: State;
  }
}

interface Window {
  livechat?: LiveChat.Api;
  [vendorGlobal: string]: any;
}
interface Navigator {
  connection?: { saveData?: boolean; effectiveType?: string };
  globalPrivacyControl?: boolean;
}
interface Document { prerendering?: boolean }
interface HTMLScriptElement { livechat?: LiveChat.Hand }
