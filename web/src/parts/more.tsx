// More of a list: the pages after the first, held with the path that they belong to, and the button that asks for more.
import { useRef, useState } from "preact/hooks";
import { at, get, type Problem } from "../api";
import { number } from "../format";
import type { Resource } from "../resource";
import type { Page } from "../types";
import { words } from "../words";
import { toast } from "./ui";

/** The rows of a list that stays as it is, whose first page is read elsewhere; `more` leads to the rest, where there is one. */
export function useMore<T>(path: string, limit: number, first: Resource<Page<T>>) {
  const [held, setHeld] = useState<{ page: Page<T>; rows: T[]; cursor: string | null }>();
  const [busy, setBusy] = useState(false);
  const page = first.stale ? null : first.data;
  const now = useRef(page);
  now.current = page;
  const own = held?.page === page ? held : undefined;
  const rows = page && [...page.data, ...(own?.rows ?? [])];
  const cursor = own ? own.cursor : page?.next_cursor;
  const load = async (): Promise<void> => {
    if (!page) return;
    setBusy(true);
    try {
      const next = await get<Page<T>>(at(path, { limit, cursor }));
      // What comes when another list is shown belongs to none.
      if (now.current === page) setHeld({ page, rows: [...(own?.rows ?? []), ...next.data], cursor: next.next_cursor });
    } catch (problem) {
      toast((problem as Problem).message);
    }
    setBusy(false);
  };
  const more = cursor ? <More shown={rows?.length} of={page?.total} disabled={busy} onMore={load} /> : null;
  return { rows, more };
}

/** How many of how many are shown, and the way to more. */
export function More({ shown, of, disabled, onMore }: { shown: number | undefined; of: number | undefined; disabled: boolean; onMore: () => void }) {
  return (
    <div class="pages">
      <span>{words.of(number(shown), number(of))}</span>
      <button type="button" class="button slim" disabled={disabled} onClick={onMore}>
        {words.more}
      </button>
    </div>
  );
}
