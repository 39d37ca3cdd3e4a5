/** What the page shows. Texts go in as text, never as HTML. */

const TEXT_CHARACTERS = 260;

export interface Hit {
  readonly package: string;
  readonly heading: string;
  readonly text: string;
  readonly distance: number;
}

function element<K extends keyof HTMLElementTagNameMap>(
  name: K,
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(name);
  made.append(...children);
  return made;
}

const find = (selector: string) => document.querySelector(selector)!;

export function showMessage(selector: string, text: string): void {
  find(selector).textContent = text;
}

export function showProgress(phase: string, done: number, total: number): void {
  document.querySelector<HTMLProgressElement>("#progress")!.value = total > 0 ? done / total : 0;
  showMessage("#phase", `${phase}: ${done.toLocaleString("en")} of ${total.toLocaleString("en")}`);
}

export function showFacts(facts: Readonly<Record<string, string>>): void {
  const rows = Object.entries(facts).map(([name, value]) =>
    element("div", element("dt", name), element("dd", value)),
  );
  find("#facts").replaceChildren(...rows);
}

export function showSuggestions(texts: readonly string[], choose: (text: string) => void): void {
  for (const text of texts) {
    const button = element("button", text);
    button.type = "button";
    button.addEventListener("click", () => choose(text));
    find("#suggestions").append(button);
  }
}

/** The text with the words of the question marked. */
function marked(text: string, question: string): (Node | string)[] {
  const words = question.match(/[\p{L}\p{N}]{3,}/gu) ?? [];
  if (words.length === 0) return [text];
  const parts = text.split(new RegExp(`\\b(${words.join("|")})`, "giu"));
  return parts.map((part, at) => (at % 2 === 1 ? element("mark", part) : part));
}

function shorten(text: string): string {
  return text.length <= TEXT_CHARACTERS
    ? text
    : `${text.slice(0, TEXT_CHARACTERS).replace(/\s+\S*$/, "")} ...`;
}

export function showHits(hits: readonly Hit[], question: string): void {
  const items = hits.map((hit) => {
    const [where, what] = [element("span", hit.package), element("data", hit.distance.toFixed(3))];
    where.className = "package";
    what.value = String(hit.distance);
    const heading = element("span", hit.heading);
    heading.className = "where";
    return element(
      "li",
      element("h2", where, what),
      heading,
      element("p", ...marked(shorten(hit.text), question)),
    );
  });
  const list = find("#hits");
  list.replaceChildren(...items);
  list.setAttribute("data-question", question);
}
