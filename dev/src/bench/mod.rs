//! The bench: bluetick beside the plainest workers that do the same, in one run on one machine.
//!
//! Absolute figures swing with the machine and its disk, so what counts are ratios of neighbours: the subjects take turns, round
//! after round, and the median of the rounds' ratios is compared with the goals. A run counts only if every event that was
//! answered was counted.

mod load;
pub mod loss;
mod machine;
pub mod reads;
mod storage;
mod subject;
mod workspace;

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::failure::{Doing as _, Failure, Result};
use crate::project;
use crate::server::{Broken, Options, Server};
use crate::step::step;
use crate::tools::Tools;
use load::Load;
use loss::Loss;
use subject::{Subject, Tally, Token};

/// Connections that send at once.
const CONNECTIONS: [u32; 3] = [1, 16, 64];
const SOME: u32 = 16;
/// The most of them.
const MANY: u32 = 64;
/// Every subject is measured this often, in turns.
const ROUNDS: usize = 9;
/// About how long one measurement takes.
const MEASURE: Duration = Duration::from_millis(2000);
/// Events per connection that warm a subject up and tell how many requests fill [`MEASURE`]; in so many requests at least.
const WARM_UP: u64 = 30;
const WARM_UP_REQUESTS: u64 = 3;
/// After how long a stream of taps the runtime is killed: at different places of a round.
const DEATHS_AFTER_MS: [u64; 3] = [2_000, 2_400, 2_800];
/// The bounds of one measurement, in requests.
const AMOUNT: std::ops::RangeInclusive<u64> = 100..=30_000;

/// What `--only` takes.
pub const NAMES: [&str; 6] = ["providers", "core", "statuses", "batches", "redirects", "reads"];
/// Statuses in a callback that holds many.
const BATCH: u64 = 100;

/// Measures and prints; a missed goal or an invalid run is a failure. `messages` is how many the reads have before them.
pub fn bench(only: Option<&str>, messages: u64) -> Result<()> {
    if let Some(only) = only
        && !NAMES.contains(&only)
    {
        return Err(Failure::new(format!("there is no bench {only:?}"), format!("choose one of {}", NAMES.join(", "))));
    }
    let wanted = |name| only.is_none_or(|only| only == name);
    let disk = project::kept().join("bench");
    std::fs::create_dir_all(&disk).doing(format!("make the folder {}", disk.display()))?;
    let memory = machine::memory();
    println!("disk    {}", machine::describe(&disk)?);
    match &memory {
        Some(memory) => println!("memory  {}", machine::describe(memory)?),
        None => println!("memory  this system has no /dev/shm: what compares with it is left out"),
    }
    println!(
        "load    autocannon on the same machine, {} processors",
        std::thread::available_parallelism().map_or(1, usize::from)
    );
    let mut goals = Vec::new();
    if wanted("providers") {
        goals.extend(providers()?);
    }
    if wanted("core") {
        goals.extend(core()?);
    }
    if wanted("statuses") {
        goals.extend(statuses(&disk, memory.as_deref())?);
    }
    if let Some(memory) = memory.as_deref().filter(|_| wanted("batches")) {
        goals.extend(batches(memory)?);
    }
    if wanted("redirects") {
        goals.extend(redirects(&disk)?);
    }
    if wanted("reads") {
        goals.extend(reads::measure(&disk, messages)?);
    }
    println!("\nGoals");
    for goal in &goals {
        println!("  {goal}");
    }
    let missed = goals.iter().filter(|goal| !goal.met()).count();
    if missed > 0 {
        return Err(Failure::new(
            format!("{missed} goals were missed"),
            "measure again on a quiet machine, then look for the cost",
        ));
    }
    Ok(())
}

/// How fast a callback of 1,000 statuses is verified and parsed, natively.
fn providers() -> Result<Vec<Goal>> {
    let text = example("provider_speed")?;
    Ok(vec![
        Goal::at_least("1,000 statuses of Meta verified and parsed natively, MB/s", figure(&text, "meta")?, 150.0),
        Goal::at_least("the same of v24, the shortest, MB/s", figure(&text, "meta_v24")?, 150.0),
    ])
}

/// The counting core natively on one core, and what its counters cost in rows: `benches/core.rs`.
fn core() -> Result<Vec<Goal>> {
    let text = run(&["bench", "--quiet", "--package", "bluetick", "--bench", "core"])?;
    println!("\n{text}");
    Ok(vec![
        Goal::at_least("core alone, thousand events/s", figure(&text, "core_alone")? / 1e3, 300.0),
        Goal::at_least("with SQLite in memory, commits of 100, thousand events/s", figure(&text, "with_sqlite")? / 1e3, 60.0),
        Goal::at_most("an event beside 10,000 messages ÷ beside 10", figure(&text, "beside_10000_over_10")?, 2.0),
        Goal::at_most("rows written per status that comes alone", figure(&text, "rows_at_1_per_s_1_live")?, 3.05),
        Goal::at_most("rows per status at 200/s in a Ledger", figure(&text, "rows_at_200_per_s_1_live")?, 1.5),
        Goal::at_most("rows per status in commits of 100", figure(&text, "rows_in_100s_1_live")?, 1.05),
        Goal::at_most("the same with 20 live campaigns", figure(&text, "rows_in_100s_20_live")?, 1.45),
    ])
}

/// Callbacks with many statuses, beside the naive worker's with one.
fn batches(memory: &Path) -> Result<Vec<Goal>> {
    let (ours, floor) = (ours(memory)?, floor(memory)?);
    let many = Subject::statuses(&ours, "in memory")?.batches(BATCH);
    let naive = Subject::floor(&floor, "/naive", "naive, 1 each");
    let table = Table::measure("callbacks of 100", &[&many, &naive])?;
    println!("{}", table.text());
    Ok(vec![
        Goal::at_least("statuses in callbacks of 100 ÷ naive, alone", table.ratio(&many, &naive, 1), 6.0),
        Goal::at_least("statuses in callbacks of 100 ÷ naive, 16 connections", table.ratio(&many, &naive, SOME), 6.0),
        Goal::at_least("statuses in callbacks of 100 ÷ naive, 64 connections", table.ratio(&many, &naive, MANY), 6.0),
        Goal::at_most("p99 of callbacks of 100, 64 connections, ms", table.median(&many, MANY, |load| load.p99_ms), 1_000.0),
    ])
}

/// Callbacks with one status each.
fn statuses(disk: &Path, memory: Option<&Path>) -> Result<Vec<Goal>> {
    let ours = ours(disk)?;
    let floor = floor(disk)?;
    let ours_memory = memory.map(self::ours).transpose()?;
    let floor_memory = memory.map(self::floor).transpose()?;
    let on_disk = Subject::statuses(&ours, "on disk")?;
    let naive = Subject::floor(&floor, "/naive", "naive, on disk");
    let hmac = Subject::floor(&floor, "/hmac", "signature alone");
    let in_memory = ours_memory.as_ref().map(|server| Subject::statuses(server, "in memory")).transpose()?;
    let naive_memory = floor_memory.as_ref().map(|server| Subject::floor(server, "/naive", "naive, in memory"));
    let subjects: Vec<&Subject> =
        [Some(&on_disk), in_memory.as_ref(), Some(&naive), naive_memory.as_ref(), Some(&hmac)].into_iter().flatten().collect();
    let table = Table::measure("status callbacks", &subjects)?;
    println!("{}", table.text());
    let mut goals = vec![
        Goal::at_most("p50 on disk alone, ms", table.median(&on_disk, 1, |load| load.p50_ms), 15.0),
        Goal::at_most("p99 on disk at 64 connections, ms", table.median(&on_disk, MANY, |load| load.p99_ms), 150.0),
    ];
    if let (Some(in_memory), Some(naive_memory)) = (&in_memory, &naive_memory) {
        goals.push(Goal::at_least("on disk ÷ in memory, 64 connections", table.ratio(&on_disk, in_memory, MANY), 0.85));
        goals.push(Goal::at_least(
            "in memory ÷ naive in memory, 64 connections",
            table.ratio(in_memory, naive_memory, MANY),
            0.7,
        ));
        println!("(naive on disk ÷ naive in memory, 64 connections: {:.2})", table.ratio(&naive, naive_memory, MANY));
    }
    Ok(goals)
}

/// Taps on tracking links, every one counted.
fn redirects(disk: &Path) -> Result<Vec<Goal>> {
    let ours = ours(disk)?;
    let floor = floor(disk)?;
    let without_ledgers = Server::start(Options {
        release: true,
        without_page: true,
        state_under: Some(disk.to_path_buf()),
        broken: vec![("LEDGER", Broken::Hangs)],
        ..Options::default()
    })?;
    let short = Subject::taps(&ours, "short tokens", Token::Short)?;
    let sealed = Subject::taps(&ours, "sealed tokens", Token::Sealed)?;
    let stopped = Subject::taps(&without_ledgers, "short, no Ledgers", Token::Short)?.uncounted();
    let bare = Subject::floor(&floor, "/302", "a bare 302");
    let table = Table::measure("redirects", &[&short, &bare, &sealed, &stopped])?;
    println!("{}", table.text());
    let mut goals = Vec::new();
    for (subject, names) in [
        (&short, ["short ÷ bare 302, 16 connections", "short ÷ bare 302, 64 connections", "short ÷ bare 302, p50 alone"]),
        (&sealed, ["sealed ÷ bare 302, 16 connections", "sealed ÷ bare 302, 64 connections", "sealed ÷ bare 302, p50 alone"]),
    ] {
        let [some, many, alone] = names;
        goals.push(Goal::at_least(some, table.ratio(subject, &bare, SOME), 0.6));
        goals.push(Goal::at_least(many, table.ratio(subject, &bare, MANY), 0.6));
        goals.push(Goal::at_most(alone, table.ratio_of(subject, &bare, 1, |load| load.p50_ms), 1.5));
    }
    // Two-sided: the Ledgers share this machine's processors, so without them a tap can only become a little cheaper.
    for (what, connections) in
        [("no Ledgers ÷ with them, 16 connections", SOME), ("no Ledgers ÷ with them, 64 connections", MANY)]
    {
        goals.push(Goal::between(what, table.ratio(&stopped, &short, connections), 0.95, 1.5));
    }
    goals.extend(deaths(disk)?);
    let text = example("token_speed")?;
    goals.extend([
        Goal::at_least("short tokens checked natively, million/s", figure(&text, "short")? / 1e6, 1.0),
        Goal::at_least("sealed tokens checked natively, million/s", figure(&text, "sealed")? / 1e6, 1.0),
    ]);
    Ok(goals)
}

/// What a killed isolate takes along.
fn deaths(disk: &Path) -> Result<Vec<Goal>> {
    let mut worst_ms: f64 = 0.0;
    for stream_ms in DEATHS_AFTER_MS {
        let mut server = ours(disk)?;
        let Loss { answered, lost, within } = loss::measure(&mut server, Duration::from_millis(stream_ms))?;
        println!("(killed after {answered} taps: {lost} lost, all of the last {} ms)", within.as_millis());
        worst_ms = worst_ms.max(within.as_secs_f64() * 1000.0);
    }
    Ok(vec![Goal::at_most("taps that a killed isolate takes along are of its last …, ms", worst_ms, 1_200.0)])
}

/// What an example measures, natively and as optimised as what ships: lines of a name and a figure.
fn example(name: &str) -> Result<String> {
    run(&["run", "--release", "--quiet", "--package", "bluetick", "--example", name])
}

/// What a command of cargo prints.
fn run(arguments: &[&str]) -> Result<String> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let output = command.args(arguments).current_dir(project::root()).stderr(Stdio::inherit()).output();
    let output = output.doing(format!("run cargo {}", arguments.join(" ")))?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn figure(text: &str, name: &str) -> Result<f64> {
    let found = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.trim().parse::<f64>().ok());
    found.ok_or_else(|| Failure::new(format!("nothing was said of {name}"), "read the lines above"))
}

fn ours(place: &Path) -> Result<Server> {
    Server::start(Options { release: true, without_page: true, state_under: Some(place.to_path_buf()), ..Options::default() })
}

fn floor(place: &Path) -> Result<Server> {
    let config = project::runner().join("floor/wrangler.toml");
    Server::start(Options { config: Some(config), state_under: Some(place.to_path_buf()), ..Options::default() })
}

/// All measurements of one kind of work.
struct Table {
    title: &'static str,
    rows: Vec<Row>,
}

/// One subject at one number of connections.
struct Row {
    name: String,
    connections: u32,
    rounds: Vec<Load>,
    /// What all rounds cost, by the worker's own tally.
    cost: Option<Tally>,
}

impl Table {
    /// Warms every subject up, then measures all of them in turns.
    fn measure(title: &'static str, subjects: &[&Subject]) -> Result<Self> {
        let tools = Tools::ensure()?;
        let mut rows = Vec::new();
        for connections in CONNECTIONS {
            step(&format!("{title}, {connections} connections"), |_| {
                let mut at_once = Vec::new();
                for subject in subjects {
                    let each = (WARM_UP / subject.each).max(WARM_UP_REQUESTS);
                    let warm_up =
                        subject.measure(&tools, connections, each * u64::from(connections), &format!("w{connections}"))?;
                    let amount = (warm_up.per_second * MEASURE.as_secs_f64()) as u64 / subject.each;
                    let row = Row { name: subject.name.clone(), connections, rounds: Vec::new(), cost: None };
                    at_once.push((*subject, amount.clamp(*AMOUNT.start(), *AMOUNT.end()), row));
                }
                for round in 0..ROUNDS {
                    // Each begins a round in turn: what one leaves to do meets another the next time.
                    let begins = round % subjects.len().max(1);
                    let (later, first) = at_once.split_at_mut(begins);
                    for (subject, amount, row) in first.iter_mut().chain(later) {
                        let before = subject.tally()?;
                        row.rounds.push(subject.measure(&tools, connections, *amount, &format!("m{connections}.{round}"))?);
                        row.add_cost(before, subject.tally()?);
                    }
                }
                rows.extend(at_once.into_iter().map(|(_, _, row)| row));
                Ok(())
            })?;
        }
        Ok(Self { title, rows })
    }

    fn row(&self, subject: &Subject, connections: u32) -> Option<&Row> {
        self.rows.iter().find(|row| row.name == subject.name && row.connections == connections)
    }

    fn median(&self, subject: &Subject, connections: u32, of: impl Fn(&Load) -> f64) -> f64 {
        self.row(subject, connections).map_or(f64::NAN, |row| row.median(of))
    }

    /// The median of the rounds' ratios of throughput.
    fn ratio(&self, one: &Subject, other: &Subject, connections: u32) -> f64 {
        self.ratio_of(one, other, connections, |load| load.per_second)
    }

    /// The median of the rounds' ratios of anything.
    fn ratio_of(&self, one: &Subject, other: &Subject, connections: u32, of: impl Fn(&Load) -> f64) -> f64 {
        let (Some(one), Some(other)) = (self.row(one, connections), self.row(other, connections)) else {
            return f64::NAN;
        };
        median(one.rounds.iter().zip(&other.rounds).map(|(one, other)| of(one) / of(other)).collect())
    }

    fn text(&self) -> String {
        let mut text = format!("\n{:<20} connections   events/s   p50 ms   p99 ms   rows/event  calls/event", self.title);
        for row in &self.rows {
            let _ = write!(
                text,
                "\n  {:<20} {:>8}   {:>8.0}  {:>7.1}  {:>7.1}",
                row.name,
                row.connections,
                row.median(|load| load.per_second),
                row.median(|load| load.p50_ms),
                row.median(|load| load.p99_ms),
            );
            if let Some(Tally { events, rows_written, ledger_calls }) = row.cost {
                let _ = write!(text, "  {:>11.2}  {:>11.2}", rows_written / events, ledger_calls / events);
            }
        }
        text
    }
}

impl Row {
    fn median(&self, of: impl Fn(&Load) -> f64) -> f64 {
        median(self.rounds.iter().map(of).collect())
    }

    fn add_cost(&mut self, before: Option<Tally>, after: Option<Tally>) {
        if let (Some(before), Some(after)) = (before, after) {
            let cost = self.cost.get_or_insert_default();
            cost.events += after.events - before.events;
            cost.rows_written += after.rows_written - before.rows_written;
            cost.ledger_calls += after.ledger_calls - before.ledger_calls;
        }
    }
}

/// A figure and its bounds.
struct Goal {
    what: &'static str,
    figure: f64,
    least: Option<f64>,
    most: Option<f64>,
}

impl Goal {
    fn at_least(what: &'static str, figure: f64, bound: f64) -> Self {
        Self { what, figure, least: Some(bound), most: None }
    }

    fn at_most(what: &'static str, figure: f64, bound: f64) -> Self {
        Self { what, figure, least: None, most: Some(bound) }
    }

    fn between(what: &'static str, figure: f64, least: f64, most: f64) -> Self {
        Self { what, figure, least: Some(least), most: Some(most) }
    }

    fn met(&self) -> bool {
        !self.figure.is_nan()
            && self.least.is_none_or(|least| self.figure >= least)
            && self.most.is_none_or(|most| self.figure <= most)
    }
}

impl std::fmt::Display for Goal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let verdict = if self.met() { "PASS" } else { "FAIL" };
        let bound = |sign: char, bound: Option<f64>| bound.map(|bound| format!("{sign} {bound}")).unwrap_or_default();
        let bounds = format!("{} {}", bound('≥', self.least), bound('≤', self.most));
        write!(f, "{verdict}  {:>7.2} {:<14} {}", self.figure, bounds.trim(), self.what)
    }
}

/// The middle one; of an even number the upper of the two.
fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goals_hold_at_their_bound() {
        assert!(Goal::at_least("", 0.5, 0.5).met() && !Goal::at_least("", 0.49, 0.5).met());
        assert!(Goal::at_most("", 15.0, 15.0).met() && !Goal::at_most("", 15.1, 15.0).met());
        assert!(Goal::between("", 1.0, 0.95, 1.0).met() && !Goal::between("", 1.1, 0.95, 1.0).met());
        assert!(!Goal::at_least("", f64::NAN, 0.0).met(), "what was not measured was not met");
    }

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert!(median(Vec::new()).is_nan());
    }
}
