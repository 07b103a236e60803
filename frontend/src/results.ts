// The page "Was I offered a place?" on a result day: a phone loads one small file, the shard in which its ticket is, and
// nothing else. Without this script the page says the same when it is loaded again.

interface Draw {
  date: string; // of the appointments, as 2026-12-22
  ticket: string;
  shard: string; // the address that the server gave
  said: string; // "offered,SYS,0", "reserve,,12" or "absent,,0"; empty while nothing is known
}

const STORE = "fairgate-tickets";
const HEADER = "ticket,outcome,port,order,phase";
const DAY_MS = 24 * 3600 * 1000;

// The same prefix as the server computes: the ticket alone says where its answer is.
async function address(draw: Draw): Promise<string> {
  if (!crypto.subtle) return draw.shard; // only over TLS and on this machine
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(draw.ticket)));
  const hex = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return draw.shard.slice(0, -3) + hex.slice(0, 3);
}

// What the shard says of the ticket; empty while the round is not drawn. Throws when it cannot be loaded.
async function load(draw: Draw): Promise<string> {
  const answer = await fetch(await address(draw), { credentials: "omit" });
  if (answer.status === 404) return "";
  const [header, ...lines] = (await answer.text()).split("\n");
  if (!answer.ok || header !== HEADER) throw new Error("not a shard"); // the page of a network that wants a sign-in
  const line = lines.find((each) => each.startsWith(`${draw.ticket},`));
  if (!line) return "absent,,0";
  const [, outcome, port, order] = line.split(",");
  return `${outcome},${port},${order}`;
}

function remembered(): Draw[] {
  try {
    const since = new Date(Date.now() - DAY_MS).toISOString().slice(0, 10);
    const found = JSON.parse(localStorage.getItem(STORE) ?? "[]") as Draw[];
    return found.filter((draw) => draw.date >= since).sort((a, b) => (a.date < b.date ? 1 : -1));
  } catch {
    return [];
  }
}

function store(draws: Draw[]): void {
  try {
    if (draws.length) localStorage.setItem(STORE, JSON.stringify(draws));
    else localStorage.removeItem(STORE);
  } catch {
    // a browser that keeps nothing: then nothing is remembered
  }
}

// Draws that the group is not in are nothing to remember.
function remember(draws: Draw[]): void {
  forget(draws);
  store([...remembered(), ...draws.filter((draw) => !draw.said.startsWith("absent"))]);
}

function forget(draws: Draw[]): void {
  store(remembered().filter((kept) => !draws.some((draw) => draw.ticket === kept.ticket)));
}

class ResultsPage {
  private readonly locale: string;
  private readonly ports: Record<string, string>;

  constructor(private readonly root: HTMLElement) {
    this.locale = root.dataset.locale ?? "en";
    this.ports = JSON.parse(root.dataset.ports ?? "{}") as Record<string, string>;
  }

  start(): void {
    const draws: Draw[] = [];
    for (const place of this.root.querySelectorAll<HTMLElement>("[data-draw]")) {
      const { draw: date = "", ticket = "", shard = "", said = "" } = place.dataset;
      const draw = { date, ticket, shard, said };
      draws.push(draw);
      this.offerToLookAgain(place, draw);
    }
    this.offerToRemember(draws);
    this.showRemembered();
  }

  private offerToRemember(draws: Draw[]): void {
    const place = this.root.querySelector<HTMLElement>("[data-remember]");
    const box = place?.querySelector("input");
    if (!place || !box) return;
    if (!draws.some((draw) => !draw.said.startsWith("absent"))) return;
    const kept = new Set(remembered().map((draw) => draw.ticket));
    box.checked = draws.some((draw) => kept.has(draw.ticket));
    if (box.checked) remember(draws); // with the draws that have come since
    box.addEventListener("change", () => (box.checked ? remember(draws) : forget(draws)));
    place.hidden = false;
  }

  private showRemembered(): void {
    const place = this.root.querySelector<HTMLElement>("[data-remembered]");
    const list = place?.querySelector("[data-list]");
    const draws = remembered();
    if (!place || !list || !draws.length) return;
    for (const draw of draws) {
      list.append(this.words("draw", { day: this.day(draw.date), ticket: draw.ticket }));
      const panel = list.lastElementChild as HTMLElement;
      this.tell(panel, draw.said);
      const look = this.offerToLookAgain(panel, draw);
      if (!draw.said) void look();
    }
    place.querySelector(":scope > button")?.addEventListener("click", () => {
      store([]);
      place.remove();
    });
    place.hidden = false;
  }

  // Shows the button while nothing is known, and gives what it does.
  private offerToLookAgain(place: HTMLElement, draw: Draw): () => Promise<void> {
    const again = place.querySelector<HTMLElement>("[data-again]");
    const note = again?.querySelector("[data-note]");
    const look = async (): Promise<void> => {
      try {
        draw.said = await load(draw);
      } catch {
        note?.replaceChildren(this.words("unreached"));
        return;
      }
      if (!draw.said) {
        const time = new Date().toLocaleTimeString(this.locale, { timeStyle: "short", hourCycle: "h23" });
        note?.replaceChildren(this.words("early", { time }));
        return;
      }
      if (again) again.hidden = true;
      this.tell(place, draw.said);
      if (remembered().some((kept) => kept.ticket === draw.ticket)) remember([draw]);
    };
    if (again) again.hidden = draw.said !== "";
    again?.querySelector("button")?.addEventListener("click", () => void look());
    return look;
  }

  private tell(place: HTMLElement, said: string): void {
    const [outcome = "", port = "", order = ""] = (said || "waiting,,").split(",");
    const words = this.words(outcome, {
      port: this.ports[port] ?? port,
      place: Number(order).toLocaleString(this.locale),
    });
    place.querySelector("[data-words]")?.replaceChildren(words);
    place.classList.toggle("fg-fact--done", outcome === "offered");
  }

  // A copy of the page's own words for this, in its language, with what belongs in them.
  private words(name: string, fill: Record<string, string> = {}): DocumentFragment {
    const made = this.root.querySelector<HTMLTemplateElement>(`template[data-for="${name}"]`)!;
    const copy = made.content.cloneNode(true) as DocumentFragment;
    for (const place of copy.querySelectorAll<HTMLElement>("[data-fill]")) {
      place.textContent = fill[place.dataset.fill ?? ""] ?? "";
    }
    return copy;
  }

  private day(date: string): string {
    const parts = { weekday: "long", day: "numeric", month: "long", year: "numeric", timeZone: "UTC" } as const;
    const found = new Intl.DateTimeFormat(this.locale, parts).format(new Date(`${date}T00:00:00Z`));
    return found.replace(/,/g, "");
  }
}

export function startResults(): void {
  const root = document.querySelector<HTMLElement>("[data-results]");
  if (root) new ResultsPage(root).start();
}
