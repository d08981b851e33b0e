// The answers of the API, as far as the page reads them.

export type Money = Record<string, string>;

export type Counts = Record<string, number>;

export type CampaignStatus = "live" | "paused" | "stopped" | "sent";

export type Campaign = {
  campaign: string;
  name: string;
  type: string;
  message_type: string;
  status: CampaignStatus;
  tags: string[];
  audience_size: number | null;
  send_limit: number | null;
  reply_window_hours: number;
  attribution: { window_hours: number; touch: string; goals: string[] };
  created_at: string;
  stopped_at: string | null;
};

/** Headline numbers side by side: counts of messages under their names. */
export type Row = {
  attempted: number;
  sent: number;
  delivered: number;
  opened: number;
  read: number;
  clicked: number;
  replied: number;
  converted: number;
  failed: number;
  conversions: number;
  revenue: Money;
  rates: Rates | null;
};

export type Rates = Record<string, number | null>;

/** A row of the list: the definition with the headline numbers. */
export type CampaignRow = Campaign & Row & { cost: Cost };

/** What several campaigns come to in a period. */
export type PerformanceRow = Row & { cost: Cost; roi: Rates };

export type Cost = { total: Money; unpriced: number; basis: string[] };

export type Page<T> = { data: T[]; total: number; next_cursor: string | null; erased?: number; expired?: number };

export type Reason = { reason: string; code?: string; class?: string; retryable?: boolean; count: number };

export type Gap = { from: string; to: string; count: number; reasons: Reason[] };

export type Stats = {
  campaign: string;
  step: string | null;
  from: string | null;
  to: string | null;
  basis: string | null;
  as_of: string;
  version: number;
  messages: Counts;
  contacts: Counts | null;
  clicks: Counts;
  replies: Counts;
  reactions: number;
  conversions: { total: number; contacts: number | null; revenue: Money };
  rates: Rates | null;
  cost: Cost;
  roi: Rates;
  gaps: Gap[] | null;
  /** How many of the attempted messages no list shows any more. */
  erased: number;
  expired: number;
  lists?: Record<string, string>;
};

export type TrendBucket = { start: string } & Record<string, unknown>;

export type FunnelStage = { stage: string; contacts: number; of_first: number | null; of_previous: number | null };

export type LinkRow = {
  link: string;
  url: string | null;
  label: string | null;
  step: string | null;
  total: number;
  human: number;
  machine: number;
  unique: number;
  share: number | null;
  machine_reasons?: Counts;
  /** Who clicked it. */
  list?: string | null;
};

export type ErrorRow = {
  kind: "dispatch" | "delivery";
  code: string;
  class: string;
  title: string;
  retryable: boolean;
  count: number;
  list?: string;
};

export type PersonRow = {
  contact: string | null;
  masked: string;
  handle: string;
  steps?: string[];
  states: Record<string, string | null>;
  clicks: number;
  replies: number;
  error: { code?: string; class?: string; title?: string } | string | null;
  /** Why a contact who counts as skipped was. */
  reason?: string | null;
};

export type ConversionRow = {
  id: string;
  contact: string | null;
  masked?: string;
  value: string | null;
  currency: string | null;
  goal: string | null;
  at: string;
  message_id: string | null;
  step: string | null;
};

export type Arm = { contacts: number; converted: number; rate: number | null; revenue: Money };

export type Experiment = {
  target: Arm;
  control: Arm;
  contaminated: number;
  uplift: {
    absolute: number | null;
    absolute_interval: [number, number] | null;
    relative: number | null;
    relative_interval: [number, number] | null;
    p_value: number | null;
  };
  incremental_conversions: number | null;
  incremental_revenue: Money | null;
};

export type UsageShare = { conversations: number; messages_delivered: number; billable: number };

export type Usage = UsageShare & {
  month: string;
  quota: { amount: number; unit: string } | null;
  used: number;
  remaining: number | null;
  runs_out_on: string | null;
  by_category: Record<string, UsageShare>;
  by_country: Record<string, UsageShare>;
  window_unseen: number;
};

export type Overall = {
  messages: number;
  delivered: number;
  failed: number;
  in_flight: number;
  conversations: number;
  why: { reason: string; count: number; text: string }[];
};

export type Channel = {
  channel: string;
  provider: string;
  name: string;
  secrets: number;
  verify_token: string | null;
  allow_unsigned: boolean;
  require_dispatch: boolean;
  callback_url?: string;
  created_at: string;
};

export type Health = {
  channel: string;
  provider: string;
  verdict: "healthy" | "silent" | "misconfigured" | "unprotected";
  reason: string;
  protection: string;
  timeless: boolean;
  last_received_at: string | null;
  dead_letters: { kept: number; dropped: number };
  quarantine: { kept: number; dropped: number };
} & Record<string, unknown>;

export type TestAnswer = { ok: boolean; failed: string | null; steps: { step: string; ok: boolean; detail: string }[] };

export type LetterHead = {
  id: string;
  channel: string;
  received_at: string;
  reason: string;
  items: { pointer: string; reason: string }[];
  bytes: number;
};

export type Letter = LetterHead & { body?: string; body_base64?: string };

export type Link = { link: string; campaign: string; url: string; label: string; tracking_url: string };

export type Settings = {
  timezone: string;
  monthly_quota?: { amount: number; unit: string } | null;
  rate_card?: unknown[];
};

export type Share = { id: string; token: string; url: string; expires_at: string };

export type TimelineEntry = {
  at: string;
  kind: string;
  /** What came of a dispatch, and whether another campaign's claim on its message holds. */
  outcome?: string;
  conflict?: boolean;
  status?: string;
  /** A reaction that was taken back, an order that was cancelled. */
  removed?: boolean;
  cancelled?: boolean;
  /** Whether an opt-out begins here or ends. */
  stopped?: boolean;
  /** Whether a click is a person's. */
  human?: boolean;
  channel?: string;
  message_id?: string;
  campaign?: string;
  step?: string;
  error?: unknown;
  class?: string;
  reason?: string;
  link?: string;
};
