//! Every limit of the product, named, with its arithmetic. What is not bounded here does not grow.

/// An id that the operator chooses (`api.md`).
pub const OPERATOR_ID_BYTES: usize = 64;

/// An id from elsewhere (`api.md`).
pub const FOREIGN_ID_BYTES: usize = 512;

/// A request body (`api.md`): 413 beyond. An isolate has 128 MB for everything; a body is held once as bytes and once as
/// events, so about ten can be in work at a time.
pub const BODY_BYTES: usize = 5_000_000;

/// How much of a body that is too large is read and thrown away before the 413: many clients look for an answer only when they
/// have sent everything. Beyond it the connection is cut.
pub const DRAINED_BYTES: usize = 4 * BODY_BYTES;

/// Lines of one request body, or items of one list in it (`api.md`): 413 beyond.
pub const BODY_LINES: usize = 10_000;

/// Events in one call to a Ledger. An event is about 300 bytes of JSON, so 1,000 stay well below the 2 MB that are the
/// longest string of the storage, and one commit of them takes about 100 ms.
pub const EVENTS_PER_CALL: usize = 1_000;

/// Writes that wait in one Ledger for their commit; beyond it, 503. An object takes about 1,000 requests/s, so this is one
/// second's worth, more than a provider's patience needs.
pub const WAITING_WRITES: usize = 1_000;

/// Events in the writes that wait in one Ledger: as many as make a commit of one second.
pub const WAITING_EVENTS: usize = 20_000;

/// Events in one shared commit: what exceeds it is committed by the next. Together they stay below the longest string.
pub const EVENTS_PER_COMMIT: usize = 2_000;

/// The most Ledgers of a deployment. A read asks each of them, and a paid Worker may make 1,000 subrequests.
pub const LEDGERS: u32 = 512;

/// How long a call to a Ledger may take before the caller is told to come again. Providers wait for 5 s or more; a commit takes
/// milliseconds; 4 s leave the answer its way back.
pub const LEDGER_CALL_MS: u64 = 4_000;

/// How long a call to the Registry may take.
pub const REGISTRY_CALL_MS: u64 = 4_000;

/// How long the Registry waits for one delivery (to a Ledger or to KV) before it leaves it to the next attempt.
pub const DELIVERY_MS: u64 = 1_500;

/// When the Registry tries a failed delivery again.
pub const REDELIVERY_MS: u64 = 2_000;

/// Changed records in one delivery of the Registry: about 300 bytes each, far below the longest string.
pub const RECORDS_PER_DELIVERY: u32 = 100;

/// Keys and shares that are good at one time, 150 bytes each: an isolate reads them all, 300 KB, every [`KEYS_MS`].
pub const KEYS: usize = 2_000;

/// How long an isolate uses the keys that it knows, unasked, and how long at most while it asks for them anew: a key that was taken
/// away is good nowhere after a minute, a request's own time included.
pub const KEYS_MS: i64 = 20_000;
pub const KEYS_MOST_MS: i64 = 45_000;

/// How long a share may be good: a year.
pub const SHARE_HOURS: u32 = 8_784;

/// How long a reservation of a campaign's gate is good (`metrics.md`, section 6), and how much longer it is kept for a grant that
/// began before its end.
pub const LEASE_MS: i64 = 600_000;
pub const LEASE_KEPT_MS: i64 = 60_000;
/// How much longer nobody else gets what it reserved: dispatches that came just before its end are in the Ledgers, and seen there, two
/// calls later ([`LEDGER_CALL_MS`]).
pub const LEASE_LATE_MS: i64 = 10_000;

/// Open reservations of one campaign, and contacts of one: 10,000, as many as one body of dispatches names.
pub const LEASES: i64 = 1_000;
pub const LEASE_CONTACTS: u64 = 10_000;

/// How long a call to a gate may take.
pub const GATE_CALL_MS: u64 = 4_000;

/// How long a ticket for the live stream is good (`api.md`).
pub const TICKET_MS: i64 = 60_000;

/// How often the live streams of an isolate ask the Ledgers for a campaign's numbers, all together, and how often each looks at what
/// is kept of them.
pub const LIVE_POLL_MS: i64 = 2_000;
pub const LIVE_LOOK_MS: u64 = 500;

/// How often a live stream says that it lives, and looks whether its key does.
pub const LIVE_BEAT_MS: i64 = 15_000;

/// How long a live stream lasts, and how many Ledgers it may call, of the 1,000 that one request may: then the page opens the next.
pub const LIVE_MS: i64 = 300_000;
pub const LIVE_CALLS: u32 = 900;

/// How long the reader of a streamed answer may take to take a piece of it.
pub const STREAM_WRITE_MS: u64 = 20_000;

/// What a caller is told to wait after a 503, in seconds.
pub const RETRY_AFTER_S: u32 = 2;

/// How long an isolate uses a definition that it has read, unasked. At most 30 s: an edit is promised to be everywhere in two minutes.
pub const CACHED_MS: i64 = 20_000;

/// How long a tap waits for a definition that its isolate has not, or has only in an old form. A read of KV takes 10 ms, a cold
/// one 100; who taps notices 200.
pub const TAP_READ_MS: u64 = 200;

/// Links on the deny list: each takes 8 bytes at most, so the list has 160 KB, read by an isolate every [`CACHED_MS`].
pub const DENIED_LINKS: usize = 20_000;

/// How long it takes for granted that a record which was not there is not there: a flood of made-up ids asks the Registry once
/// per id and second.
pub const ABSENT_MS: i64 = 1_000;

/// How long a read copy in KV may take before the Registry is asked instead: a read takes 10 ms, a cold one 100.
pub const COPY_READ_MS: u64 = 500;

/// How long a slow copy is waited for beyond that where the Registry does not answer either.
pub const COPY_LATE_MS: u64 = 3_000;

/// Definitions of one kind in an isolate's memory. A link is about 300 bytes, so 10,000 are 3 MB.
pub const CACHED_RECORDS: usize = 10_000;

/// User agents whose verdict an isolate remembers, 256 bytes each at most: most people share a few hundred.
pub const CACHED_AGENTS: usize = 2_000;

/// Answers to reads in an isolate's memory, a few KB each: an isolate has 128 MB for everything.
pub const CACHED_ANSWER_BYTES: usize = 4_000_000;

/// Answers to readers who let them be this old, in seconds, are shared through KV, which keeps nothing for less than a minute.
pub const SHARED_ANSWER_S: u32 = 60;
pub const SHARED_ANSWER_BYTES: usize = 1_000_000;

/// Buckets of a trend (`api.md`): a row of one is about 500 bytes, so the answer has 5 MB at most.
pub const TREND_BUCKETS: usize = 10_000;

/// Clicks that wait in an isolate to be recorded, about 300 bytes each: 3 MB, at 1,000 taps/s ten seconds of a Ledger that
/// does not answer. Beyond it they are lost, and counted as lost.
pub const WAITING_CLICKS: usize = 10_000;

/// How long a click waits for others to share its call: the first after a rest, and those that follow while the isolate is sending.
/// Each round is a call and a commit of every Ledger at most: 16 a second, and not 160, for a stream of taps of any width.
pub const CLICK_WAIT_MS: u64 = 100;
pub const CLICK_ROUND_MS: u64 = 1_000;

/// A contact's taps on one link that are written one by one: so many at once, and one more each minute. (20 of a day count as
/// human; beyond that they tell nothing.) What exceeds it is added up.
pub const OWN_TAPS: i64 = 30;
pub const OWN_TAP_MS: i64 = 60_000;

/// Taps on one shared link that are written one by one, in one isolate: so many at once, and ten more each second. A row written
/// costs $1 a million: a link tapped 1,000 times a second costs $50 a day so, and not $5,000.
pub const SHARED_TAPS: i64 = 1_000;
pub const SHARED_TAP_MS: i64 = 100;

/// How long taps are added up before their sum is sent: it must be over before the request that sends it is cut off (30 s).
pub const FLOOD_SUM_MS: i64 = 15_000;

/// Links and contacts whose taps an isolate watches for a flood, 200 bytes each: 4 MB.
pub const FLOOD_LINKS: usize = 20_000;

/// How often the link of a sealed token is asked for after the answer, so that its click gets its campaign: each time takes 5 s at
/// most, a request's work after its answer 30 s.
pub const NAME_ATTEMPTS: u32 = 3;

/// How often a click's call is tried before the click is lost, each with [`LEDGER_CALL_MS`] at most, and the pause after the first;
/// each later pause is twice the one before, up to 4 s. Together 20 s for a Ledger that refuses, 50 for one that does not answer: a
/// new version, or an object that moves, takes less. A request's work after its answer may take 30 s; then the next tap goes on.
pub const CLICK_ATTEMPTS: u32 = 8;
pub const CLICK_RETRY_MS: i64 = 250;

/// A list's page, if the caller names no `limit`, and the most that it may name (`api.md`).
pub const PAGE: u32 = 50;
pub const PAGE_MOST: u32 = 1_000;

/// Rows of a table that are read and written at a time: about 200 KB.
pub const TABLE_ROWS: u32 = 500;

/// Ledgers asked for rows of one list at a time, and how long a page is looked for in a list that is sparse beyond measure: then it
/// is shorter than its limit, and its cursor goes on.
pub const LIST_LEDGERS: usize = 64;
pub const LIST_MS: i64 = 3_000;

/// Secrets of a channel: one, or two while it is being changed (`api.md`).
pub const SECRETS: usize = 2;

/// Dead letters of one channel: 1 GB or thirty days (`metrics.md`, section 8), a tenth of what an object can store.
pub const LETTER_BYTES: u64 = 1_000_000_000;
pub const LETTER_MS: i64 = 30 * 24 * 3_600_000;

/// Badly signed bodies of one channel (`metrics.md`, section 8).
pub const QUARANTINE_LETTERS: u64 = 1_000;
pub const QUARANTINE_BYTES: u64 = 50_000_000;

/// One row of a letter's body: half of the longest string.
pub const LETTER_PIECE_BYTES: usize = 1_000_000;

/// Odd items that a letter lists, and the bytes of each pointer and reason: 10 KB at most. The body holds all of them.
pub const LETTER_ITEMS: usize = 20;
pub const REASON_BYTES: usize = 256;

/// How often a channel's letters are looked over for those that are too old.
pub const LETTERS_TIDY_MS: u64 = 24 * 3_600_000;

/// Bytes of letters that are looked through at a time for a person who is erased, and letters at most: a full shelf of letters of 4 KB
/// is some 50 calls.
pub const FORGET_BYTES: i64 = 20_000_000;
pub const FORGET_LETTERS: i64 = 5_000;

/// Events that waited for their contact's name and move to the Ledgers together.
pub const MOVES_PER_TURN: u32 = 500;

/// How long a call to an Identity object may take: it may call Ledgers itself.
pub const IDENTITY_CALL_MS: u64 = 2 * LEDGER_CALL_MS;

/// When a move that failed is tried again.
pub const MOVE_AGAIN_MS: u64 = 5_000;

/// Other keys that are remembered of one person; a person has a handful of user ids and old numbers.
pub const NAMES_OF_PERSON: usize = 64;

/// Things that move to another person in one errand: below 3 KB each, so a text stays below 1 MB, also written out twice.
pub const ERRAND_THINGS: usize = 200;

/// How often an Identity object drops what is older than the retention.
pub const IDENTITY_TIDY_MS: u64 = 24 * 3_600_000;

/// How long a call to a channel's letters may take: it may carry 5 MB.
pub const LETTERS_CALL_MS: u64 = 4_000;

/// How long an isolate gathers a channel's counts before it hands them on.
pub const COUNTS_WAIT_MS: u64 = 500;

/// Names, labels, tags and tokens that an operator writes.
pub const TEXT_BYTES: usize = 256;

/// Tags of one campaign, and goals of its attribution.
pub const TAGS: usize = 50;

/// The target of a link.
pub const URL_BYTES: usize = 2_048;

/// A channel's mapping or the settings, as JSON text.
pub const DOCUMENT_BYTES: usize = 100_000;

/// Windows of attribution and reply, in hours: an hour to thirty days (`metrics.md`, section 4).
pub const WINDOW_HOURS: u32 = 720;

/// The overlap of an old callback token with the new: thirty days.
pub const OVERLAP_HOURS: u32 = 720;

/// Distinct links in one text to be wrapped: a message has 4,096 characters at most, and each link is a call to the Registry.
pub const LINKS_PER_TEXT: usize = 50;

/// For how long events are kept if nobody says otherwise, in days (`metrics.md`, section 8).
pub const RETENTION_DAYS: u32 = 400;

/// Contacts that one part of a Ledger's own work looks at, of ten entries each: about 50 ms.
pub const SWEEP_CONTACTS: usize = 100;

/// The pause between two parts, so that others get their turn; and how often a Ledger looks for what is too old.
pub const SWEEP_PAUSE_MS: i64 = 50;
pub const SWEEP_MS: i64 = 24 * 3_600_000;

/// When a part that the storage refused is tried again.
pub const TEND_AGAIN_MS: i64 = 60_000;

/// The shortest time that events are kept, in days (`metrics.md`, section 8).
pub const RETENTION_DAYS_LEAST: u32 = 90;

/// Entries of a rate card: 250 countries in 4 categories, 5 prices after one another. 5,000 of about 100 bytes are 0.5 MB.
pub const RATE_CARD_ENTRIES: usize = 5_000;

/// Where a page of an export ends: an object is asked once for each, and a request may ask 1,000 times, or 50 on the free plan.
pub const EXPORT_PAGE_BYTES: usize = 1_000_000;
