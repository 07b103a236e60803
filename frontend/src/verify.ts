// The panel "Check this draw" on the page of a draw: starts the thread that does the work, shows how far it is and what it
// found, and where a ticket stands. All words are the page's own, in its language, in templates.
import type { Check, Found, ResultLine, Right, Step, ToPage, ToWorker, Wrong } from "./verify-messages";
import type { Sealing } from "./verify-sealing";

type Fill = Record<string, string | DocumentFragment>;

class Panel {
  private worker: Worker | null = null;
  private step: Step | "" = "";
  private readonly locale: string;
  private readonly ports: Map<string, string>; // their names by code

  constructor(private readonly root: HTMLElement) {
    this.locale = root.dataset.locale ?? "en";
    this.ports = new Map(Object.entries(JSON.parse(root.dataset.ports ?? "{}") as Record<string, string>));
  }

  start(): void {
    if (!("Worker" in window) || !window.crypto?.subtle) return; // a page without TLS, an old browser: the words on programs stay
    this.on("start", () => this.check());
    this.on("stop", () => this.stop());
    this.on("find", () => this.find());
    this.part("idle").hidden = !this.part("running").hidden;
  }

  // -- the check ----------------------------------------------------------------------------------

  private check(): void {
    const { worker = "", address = "", policy = "", keys = "", bytes = "0" } = this.root.dataset;
    this.worker?.terminate();
    this.worker = new Worker(worker);
    this.worker.addEventListener("message", (event: MessageEvent<ToPage>) => this.hear(event.data));
    this.worker.addEventListener("error", () => this.fail(this.words("broken")));
    this.step = "";
    this.part("result").replaceChildren();
    this.part("said").replaceChildren();
    this.show("running");
    this.progress("load", 0);
    this.part("stop").focus();
    this.tell({ say: "check", address, policy, keys, bytes: Number(bytes) } satisfies Check);
  }

  private tell(message: ToWorker): void {
    this.worker?.postMessage(message);
  }

  private stop(): void {
    this.worker?.terminate();
    this.worker = null;
    this.show("idle");
    this.part("start").focus();
  }

  private hear(message: ToPage): void {
    switch (message.say) {
      case "progress":
        return this.progress(message.step, message.part);
      case "right":
        return this.finish(this.right(message), "ask");
      case "wrong":
        return this.finish(this.wrong(message), "idle");
      case "unreached":
        return this.fail(this.words("unreached", { file: message.file }));
      case "broken":
        return this.fail(this.words("broken"));
      case "found":
        return this.part("found").replaceChildren(this.found(message));
    }
  }

  private progress(step: Step, part: number): void {
    this.root.querySelector("progress")!.value = part;
    this.part("percent").textContent = part.toLocaleString(this.locale, { style: "percent" });
    if (step === this.step) return;
    this.step = step;
    this.part("step").replaceChildren(this.words(`step-${step}`)); // a live region: said once for each step
  }

  private fail(words: DocumentFragment): void {
    this.worker?.terminate();
    this.worker = null;
    this.finish(words, "idle");
  }

  // Shows the result, and moves there whoever was waiting at the button that now goes away. Who reads elsewhere meanwhile
  // stays there, and is told by the live region.
  private finish(words: DocumentFragment, ...parts: string[]): void {
    const waited = [this.part("stop"), document.body, null].includes(document.activeElement as HTMLElement | null);
    const result = this.part("result");
    result.replaceChildren(words);
    this.part("found").replaceChildren();
    this.show(...parts);
    if (waited) result.focus();
    else this.part("said").textContent = result.querySelector("h3, p")?.textContent ?? "";
  }

  // -- what was found -----------------------------------------------------------------------------

  private right(found: Right): DocumentFragment {
    const isShown = found.sealing.state === "seen" || found.sealing.state === "alone";
    const carried = Object.entries(found.carryOut).filter(([, persons]) => persons > 0);
    const made = this.words("right", {
      entries: this.number(found.entries),
      offers: this.number(found.offers),
      reserve: this.number(found.reserve),
      beacon: this.words(found.beacon, { sources: found.sources.join(", ") }),
      [isShown ? "sealed" : "unsealed"]: this.sealing(found.sealing),
      root: found.root,
      seed: found.seed,
      carry: carried.length
        ? carried.map(([port, persons]) => `${this.port(port)}: ${this.number(persons)}`).join(", ")
        : this.words("none"),
    });
    made.querySelectorAll("li:empty").forEach((item) => item.remove());
    return made;
  }

  private sealing({ state, origin, leaf, act, witnesses }: Sealing): DocumentFragment {
    const names = witnesses.map(({ name, at }) => `${name} (${new Date(at * 1000).toISOString().slice(0, 19)}Z)`);
    const made = this.words(`sealing-${state}`, { origin, leaf, witnesses: names.length ? names.join(", ") : this.words("none") });
    if (act === "postponed") made.append(" ", this.words("sealing-put-off"));
    return made;
  }

  private wrong({ file, place, code, found, wanted }: Wrong): DocumentFragment {
    const where = place.line ? "place-line" : place.key ? "place-key" : "place";
    return this.words("wrong", {
      place: this.words(where, { file, line: this.number(place.line ?? 0), key: place.key ?? "" }),
      fault: this.words(`fault-${code}`, {
        found: found ?? this.words("no-line"),
        wanted: wanted ?? this.words("no-line"),
      }),
    });
  }

  // -- a ticket -----------------------------------------------------------------------------------

  private find(): void {
    this.tell({ say: "find", asked: this.root.querySelector("textarea")!.value });
  }

  private found({ asked, round, standing }: Found): DocumentFragment {
    const made = document.createDocumentFragment();
    if (!asked.readable) {
      made.append(this.words("unreadable"));
      return made;
    }
    if (asked.signature !== "none") made.append(this.words(`signature-${asked.signature}`));
    if (!asked.ticket) made.append(this.words("no-ticket"));
    else if (asked.round && asked.round !== round) made.append(this.words("other-round", { day: this.day(asked.round) }));
    else if (!standing) made.append(this.words("not-in-list", { ticket: asked.ticket }));
    else made.append(this.standing(asked.ticket, standing));
    return made;
  }

  private standing(ticket: string, found: NonNullable<Found["standing"]>): DocumentFragment {
    const lot = { lot: this.number(found.lot), lots: this.number(found.lots), order: this.number(found.order) };
    const rows = document.createDocumentFragment();
    for (const line of found.neighbours) rows.append(this.row(line));
    return this.words("standing", {
      ticket,
      said: this.words(`said-${found.outcome}`, { ...lot, port: this.port(found.port) }),
      line: this.number(found.line),
      result: this.number(found.neighbours.find(({ mine }) => mine)!.line),
      size: this.number(found.size),
      weeks: this.number(found.weeks),
      ports: found.ports.map((port) => this.port(port)).join(", "),
      rows,
    });
  }

  private row(line: ResultLine): DocumentFragment {
    const made = this.words("row", {
      ticket: `${line.ticket.slice(0, 8)}…`,
      mine: line.mine ? this.words("mine") : "",
      outcome: this.words(`outcome-${line.outcome}`, { order: this.number(line.order) }),
      port: this.port(line.port),
      size: this.number(line.size),
      weeks: this.number(line.weeks),
    });
    made.firstElementChild!.classList.toggle("fg-mine", line.mine);
    return made;
  }

  // -- the page -----------------------------------------------------------------------------------

  private part(name: string): HTMLElement {
    return this.root.querySelector<HTMLElement>(`[data-part="${name}"]`)!;
  }

  private on(name: string, act: () => void): void {
    this.part(name).addEventListener("click", act);
  }

  private show(...parts: string[]): void {
    for (const name of ["idle", "running", "ask"]) this.part(name).hidden = !parts.includes(name);
  }

  // A copy of the page's own words for this, with what belongs in them.
  private words(name: string, fill: Fill = {}): DocumentFragment {
    const made = this.root.querySelector<HTMLTemplateElement>(`template[data-for="${name}"]`);
    const copy = (made ?? this.root.querySelector<HTMLTemplateElement>('template[data-for="fault"]')!).content.cloneNode(true);
    for (const place of (copy as DocumentFragment).querySelectorAll<HTMLElement>("[data-fill]")) {
      place.replaceChildren(fill[place.dataset.fill ?? ""] ?? "");
    }
    return copy as DocumentFragment;
  }

  private port(code: string): string {
    return this.ports.get(code) ?? code;
  }

  private number(value: number): string {
    return value.toLocaleString(this.locale);
  }

  private day(date: string): string {
    const parts = { weekday: "long", day: "numeric", month: "long", year: "numeric", timeZone: "UTC" } as const;
    const at = new Date(`${date}T00:00:00Z`);
    return isNaN(at.getTime()) ? date : new Intl.DateTimeFormat(this.locale, parts).format(at).replace(/,/g, "");
  }
}

for (const root of document.querySelectorAll<HTMLElement>("[data-verify]")) new Panel(root).start();
