// The parts that every view is made of.
import type { ComponentChildren, CSSProperties } from "preact";
import { useEffect, useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Problem } from "../api";
import { href } from "../router";
import { words } from "../words";

type Children = ComponentChildren;

/** The class names that hold. */
export const classes = (...names: (string | false | null | undefined)[]): string => names.filter(Boolean).join(" ");

export function Card(props: { title: string; help?: string | undefined; tools?: Children; class?: string | undefined; fills?: boolean; stale?: boolean; children: Children }) {
  const id = useId();
  return (
    <section class={classes("card", props.class)} aria-labelledby={id} aria-busy={props.stale || undefined}>
      <header>
        <h2 id={id}>{props.title}</h2>
        {props.tools}
        {props.help && <p>{props.help}</p>}
      </header>
      <div class={classes(props.fills && "fills", props.stale && "stale")}>{props.children}</div>
    </section>
  );
}

/** A word with its definition, on hover, on focus, and for those who listen. It opens to the side that has room. */
export function Term({ name, meaning }: { name: Children; meaning: string | undefined }) {
  const id = useId();
  const root = useRef<HTMLSpanElement>(null);
  const [closed, setClosed] = useState(false);
  const [right, setRight] = useState(false);
  if (!meaning) return <span>{name}</span>;
  const open = (): void => {
    setClosed(false);
    // What scrolls cuts off what stands out of it.
    const room = (root.current?.closest(".scroll") ?? document.documentElement).getBoundingClientRect().right;
    setRight((root.current?.getBoundingClientRect().left ?? 0) + 300 > room);
  };
  return (
    <span ref={root} class={classes("term", closed && "closed")} onMouseEnter={open}>
      <button type="button" aria-describedby={id} onFocus={open} onKeyDown={(event) => event.key === "Escape" && setClosed(true)}>
        {name}
      </button>
      <span class={classes("tip", right && "right")} role="tooltip" id={id}>
        {meaning}
      </span>
    </span>
  );
}

/** One of a few, all in sight. */
export function Segments<T extends string>(props: {
  label: string;
  options: readonly (readonly [T, string, (string | undefined)?])[];
  value: T;
  onChange: (value: T) => void;
  disabled?: readonly T[];
}) {
  return (
    <div class="segments" role="group" aria-label={props.label}>
      {props.options.map(([value, name, title]) => (
        <button
          type="button"
          key={value}
          title={title}
          aria-pressed={value === props.value}
          disabled={props.disabled?.includes(value)}
          onClick={() => props.onChange(value)}
        >
          {name}
        </button>
      ))}
    </div>
  );
}

/** One of many. */
export function Select(props: {
  label: string;
  options: readonly (readonly [string, string])[];
  value: string;
  onChange: (value: string) => void;
}) {
  return (
    <select aria-label={props.label} value={props.value} onChange={(event) => props.onChange(event.currentTarget.value)}>
      {props.options.map(([value, name]) => (
        <option key={value} value={value} selected={value === props.value}>
          {name}
        </option>
      ))}
    </select>
  );
}

export function Field(props: { label: string; help?: string; whole?: boolean; error?: string | undefined; children: Children }) {
  return (
    <label class={classes("field", props.whole && "whole")}>
      <span>{props.label}</span>
      {props.children}
      {props.error ? (
        <small class="not-ok" role="alert">
          {props.error}
        </small>
      ) : (
        props.help && <small>{props.help}</small>
      )}
    </label>
  );
}

/** A text to take along, with the button that takes it. */
export function Copyable({ label, text }: { label: string; text: string }) {
  const [copied, setCopied] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  const copy = async (): Promise<void> => {
    field.current?.select();
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      document.execCommand("copy");
    }
    setCopied(true);
    setTimeout(() => setCopied(false), 2000);
  };
  return (
    <div class="copyable">
      <input ref={field} type="text" readOnly aria-label={label} value={text} onFocus={(event) => event.currentTarget.select()} />
      <button type="button" class="button" onClick={copy}>
        {copied ? words.copied : words.copy}
      </button>
    </div>
  );
}

/** A dialog of the platform: it keeps the focus, Escape or a press beside it closes it, and what had the focus gets it back. */
export function Dialog(props: { class: "box" | "drawer"; label: string; onClose: () => void; children: Children }) {
  const dialog = useRef<HTMLDialogElement>(null);
  // Where the press began: one that only ends beside the box has marked a text.
  const beside = useRef(false);
  useLayoutEffect(() => {
    const element = dialog.current;
    const before = document.activeElement;
    element?.showModal();
    return () => {
      element?.close();
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      class={props.class}
      aria-label={props.label}
      onCancel={(event) => {
        event.preventDefault();
        props.onClose();
      }}
      onPointerDown={({ target, currentTarget, clientX: x, clientY: y }) => {
        const box = currentTarget.getBoundingClientRect();
        beside.current = target === currentTarget && (x < box.left || x > box.right || y < box.top || y > box.bottom);
      }}
      onClick={(event) => event.target === dialog.current && beside.current && props.onClose()}
    >
      {props.children}
      <Toasts />
    </dialog>
  );
}

export function CloseButton({ onClose }: { onClose: () => void }) {
  return (
    <button type="button" class="button quiet" aria-label={words.close} onClick={onClose}>
      <Icon name="close" />
    </button>
  );
}

/** A button with choices under it, over everything else, wherever the button is. */
export function Menu(props: { label: string; text: Children; class?: string; choices: [string, () => void][] }) {
  const [place, setPlace] = useState<CSSProperties | null>(null);
  const root = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const close = (): void => setPlace(null);
  const open = (): void => {
    const at = button.current?.getBoundingClientRect();
    if (!at) return;
    const right = `${document.documentElement.clientWidth - at.right}px`;
    // Upwards where there is no room below.
    const above = at.bottom + props.choices.length * 38 + 24 > innerHeight;
    setPlace(above ? { bottom: `${innerHeight - at.top + 6}px`, right } : { top: `${at.bottom + 6}px`, right });
  };
  // Before the next key comes.
  useLayoutEffect(() => {
    if (!place) return;
    root.current?.querySelector<HTMLElement>("li button")?.focus({ preventScroll: true });
    const away = (event: Event): void => {
      if (!root.current?.contains(event.target as Node)) close();
    };
    addEventListener("pointerdown", away);
    addEventListener("scroll", close, true);
    return () => {
      removeEventListener("pointerdown", away);
      removeEventListener("scroll", close, true);
    };
  }, [place]);
  const move = (event: KeyboardEvent): void => {
    if (!place) return;
    if (event.key === "Escape") {
      close();
      button.current?.focus();
      event.stopPropagation();
    }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const all = [...(root.current?.querySelectorAll<HTMLElement>("li button") ?? [])];
    const index = all.indexOf(document.activeElement as HTMLElement);
    all[(index + step + all.length) % all.length]?.focus();
  };
  return (
    <div class="menu" ref={root} onKeyDown={move}>
      <button
        type="button"
        ref={button}
        class={props.class ?? "button"}
        aria-label={props.label}
        aria-expanded={place !== null}
        onClick={() => (place ? close() : open())}
      >
        {props.text}
      </button>
      {place && (
        <ul style={place}>
          {props.choices.map(([name, act]) => (
            <li key={name}>
              <button
                type="button"
                onClick={() => {
                  close();
                  button.current?.focus();
                  act();
                }}
              >
                {name}
              </button>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

const ICONS = {
  close: "M4 4l8 8M12 4l-8 8",
  back: "M10 3 5 8l5 5",
  share: "M8 10V2m0 0L5 5m3-3 3 3M3 9v4h10V9",
  export: "M8 2v8m0 0 3-3m-3 3L5 7M3 12v2h10v-2",
  empty: "M2 10h3l1 2h4l1-2h3M2 10l2-7h8l2 7v3H2z",
  trouble: "M8 2 1.500 13.500h13zM8 6.500v3.200m0 1.800v.1",
  tick: "m2 8.500 3 3 6-7M7.500 10.500l1 1 6-7",
  more: "M3 8h.01M8 8h.01M13 8h.01",
};

export function Icon({ name }: { name: keyof typeof ICONS }) {
  return (
    <svg viewBox="0 0 16 16" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">
      <path d={ICONS[name]} />
    </svg>
  );
}

export function Logo() {
  return (
    <span class="logo">
      <svg viewBox="0 0 32 32" aria-hidden="true">
        <rect width="32" height="32" rx="8" fill="#1668dc" />
        <path d="m5.500 17 4.600 4.600L19 11m-5.200 8.600 2 2L25.500 11" fill="none" stroke="#fff" stroke-width="2.600" stroke-linecap="round" stroke-linejoin="round" />
      </svg>
      {words.product}
    </span>
  );
}

/** What stands where something will be, as large as that will be: in pixels, or a part of the line. */
export function Skeleton({ width = "100%", height = 14 }: { width?: string | number; height?: number }) {
  return <span class="skeleton" style={{ width: typeof width === "number" ? `${width}px` : width, height: `${height}px` }} />;
}

export function SkeletonRows({ rows, columns, height = 20 }: { rows: number; columns: number; height?: number }) {
  return (
    <>
      {Array.from({ length: rows }, (_, row) => (
        <tr key={row} aria-hidden="true">
          {Array.from({ length: columns }, (_, column) => (
            <td key={column}>
              <Skeleton width={column ? "60%" : "75%"} height={height} />
            </td>
          ))}
        </tr>
      ))}
    </>
  );
}

export function Empty(props: { title: string; text?: string; icon?: keyof typeof ICONS; children?: Children }) {
  return (
    <div class="empty">
      <Icon name={props.icon ?? "empty"} />
      <strong>{props.title}</strong>
      {props.text && <p>{props.text}</p>}
      {props.children}
    </div>
  );
}

/** An error where the content would be, with the way out. A part of what is not there says nothing: the view does. */
export function Trouble({ problem, retry }: { problem: Problem; retry?: () => void }) {
  if (retry && problem.status === 404) return null;
  return (
    <div role="alert">
      <Empty icon="trouble" title={words.errors.title} text={problem.message}>
        {retry ? (
          <button type="button" class="button" onClick={retry}>
            {words.retry}
          </button>
        ) : (
          <a class="button" href={href([])}>
            {words.errors.back}
          </a>
        )}
      </Empty>
    </div>
  );
}

/** Where something can be said, the innermost last: what an open dialog covers is not heard. */
const places: ((text: string) => void)[] = [];

/** Says something for a moment. */
export const toast = (text: string): void => places.at(-1)?.(text);

export function Toasts() {
  const [text, setText] = useState<string | null>(null);
  const root = useRef<HTMLDivElement>(null);
  useEffect(() => {
    let timer = 0;
    const show = (text: string): void => {
      clearTimeout(timer);
      setText(text);
      timer = window.setTimeout(() => setText(null), 5000);
    };
    places.push(show);
    // Over the dialog that it stands in; there before it says something, so that it is heard.
    root.current?.showPopover();
    return () => {
      clearTimeout(timer);
      places.splice(places.indexOf(show), 1);
    };
  }, []);
  return (
    <div class="toasts" ref={root} popover="manual" role="status">
      {text && <p>{text}</p>}
    </div>
  );
}

/** A number that leads to the people behind it. */
export function Opens(props: { text: string; label: string; onOpen: (() => void) | undefined }) {
  if (!props.onOpen) return <span>{props.text}</span>;
  return (
    <button type="button" class="opens" aria-label={`${props.text} ${props.label}`} onClick={props.onOpen}>
      {props.text}
    </button>
  );
}
