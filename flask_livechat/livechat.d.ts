// Types of the browser side, for `tsc --checkJs`. Nothing of this file is served.

declare namespace LiveChat {
  type Meta = Record<string, string | number | boolean>;

  /** Written into the served file by the server: what may be fetched and touched. */
  interface Vendor {
    name: string;
    title: string;
    script: string;
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
    consent?: "required" | "click";
    fallback?: string;
    tour?: string | number;
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

  /** What an adapter may ask of the core. */
  interface Core {
    /** The vendor is there. After an end the core ends it at once. */
    ready(): void;
    report(name: "open" | "close" | "unread" | "message" | "status" | "rating", detail?: object): void;
    unsupported(what: string): false;
    warn(text: string): void;
    /** Runs a call; what it throws goes to the console, never into the page. */
    safely<T>(call: () => T): T | null;
    vendorLauncher(): boolean;
  }

  /** One vendor's adapter. It never schedules; `start` sets what the vendor reads before its script arrives. */
  interface Room {
    start(page: Page, fresh: boolean): void;
    loaded?(): void;
    /** Begin anew after an end; false when that takes a new page. */
    resume(page: Page): false | void;
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
    readonly status: "online" | "away" | "offline" | null;
    readonly state: "waiting" | "loading" | "ready" | "failed" | "ended";
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
