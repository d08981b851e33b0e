// The ids that an operator chooses.

/** What they are made of. */
export const ID = "[A-Za-z0-9.\\-][A-Za-z0-9_.\\-]*";

/** What of a name can be an id. */
export const idOf = (name: string): string =>
  name
    .toLowerCase()
    .normalize("NFKD")
    .replaceAll(/\p{M}+/gu, "")
    .replaceAll(/[^a-z0-9.]+/g, "-")
    .replaceAll(/^-+|-+$/g, "")
    .slice(0, 64);

/** The id itself, or the first with a number behind it that nothing has yet. */
export function freeId(id: string, taken: readonly string[]): string {
  let free = id;
  for (let number = 2; taken.includes(free); number++) free = `${id}-${number}`;
  return free;
}
