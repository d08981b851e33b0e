// More of a list: the pages after the first, held with the path that they belong to, and the button that asks for the next.
import { useRef, useState } from "preact/hooks";
import { at, get, type Problem } from "../api";
import { number } from "../format";
import { joined } from "../pages";
import type { Resource } from "../resource";
import type { Page } from "../types";
import { words } from "../words";
import { toast } from "./ui";

/** The rows of a list whose first page is read elsewhere, again and again perhaps; `more` leads to the rest, where there is one. */
export function useMore<T>(path: string, limit: number, first: Resource<Page<T>>, key: (row: T) => unknown) {
  const [held, setHeld] = useState<{ path: string; rows: T[]; cursor: string | null }>();
  const [busy, setBusy] = useState(false);
  const now = useRef(path);
  now.current = path;
  const page = first.data;
  const rows = page && (held?.path === path ? joined(page.data, held.rows, key) : page.data);
  const cursor = rows === page?.data ? page?.next_cursor : held?.cursor;
  const load = async (): Promise<void> => {
    setBusy(true);
    try {
      const next = await get<Page<T>>(at(path, { limit, cursor }));
      // What comes when another list is shown belongs to none.
      if (now.current === path) setHeld({ path, rows: [...(rows ?? []), ...next.data], cursor: next.next_cursor });
    } catch (problem) {
      toast((problem as Problem).message);
    }
    setBusy(false);
  };
  const more = cursor ? <More shown={words.of(number(rows?.length), number(page?.total))} disabled={busy || first.stale} onMore={load} /> : null;
  return { rows, more };
}

function More({ shown, disabled, onMore }: { shown: string; disabled: boolean; onMore: () => void }) {
  return (
    <div class="pages">
      <span>{shown}</span>
      <button type="button" class="button slim" disabled={disabled} onClick={onMore}>
        {words.more}
      </button>
    </div>
  );
}
