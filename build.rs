//! Writes the table of `src/country.rs`: which prefix of a phone number belongs to which country.
//!
//! The facts of the table are libphonenumber's metadata, as the crate `phonenumber` carries it. The crate itself would bring half a
//! megabyte of patterns and regular expressions into the wasm to answer one question; here its patterns are run once, at
//! build time, and only the answer is kept.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::error::Error;
use std::fmt::Write as _;

use phonenumber::Metadata;
use phonenumber::metadata::{DATABASE, Descriptor};
use regex_automata::dfa::{Automaton, dense};
use regex_automata::util::{primitives::StateID, start, syntax};

/// No country decides on more digits than this; a longer prefix would not fit the table's 32 bits.
const MAX_PREFIX_DIGITS: usize = 9;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    let mut table = BTreeMap::new();
    for code in 1..1000u16 {
        let territories = DATABASE.by_code(&code).unwrap_or_default();
        // "001" is libphonenumber's word for a calling code that belongs to no country, such as +800.
        let Some(main) = territories.first().filter(|t| t.id() != "001") else {
            continue;
        };
        table.insert(u32::from(code), country(main));
        if territories.len() > 1 {
            Shared::new(&territories)?.tell_apart(code, country(main), &mut table)?;
        }
    }
    let countries = Vec::from_iter(table.values().copied().collect::<BTreeSet<_>>());
    let index: HashMap<_, _> = countries.iter().enumerate().map(|(i, country)| (*country, i)).collect();
    let mut source = format!("const MAX_PREFIX_DIGITS: usize = {MAX_PREFIX_DIGITS};\n");
    writeln!(source, "static COUNTRIES: [&str; {}] = {countries:?};", countries.len())?;
    writeln!(source, "static PREFIXES: [(u32, u8); {}] = [", table.len())?;
    for (prefix, country) in &table {
        let index = index.get(country).ok_or("a country without an index")?;
        writeln!(source, "    ({prefix}, {index}), // {country}")?;
    }
    source.push_str("];\n");
    std::fs::write(std::path::Path::new(&std::env::var("OUT_DIR")?).join("country_table.rs"), source)?;
    Ok(())
}

/// libphonenumber's region as an ISO 3166-1 code: Ascension and Tristan da Cunha are reserved codes there, and part of
/// Saint Helena in the standard.
fn country(territory: &Metadata) -> &str {
    match territory.id() {
        "AC" | "TA" => "SH",
        id => id,
    }
}

/// The countries that share a calling code: an automaton for each claim, the strongest first.
struct Shared<'a> {
    claims: Vec<(&'a str, dense::DFA<Vec<u32>>)>,
    reachable: HashMap<Vec<StateID>, BTreeSet<&'a str>>,
}

impl<'a> Shared<'a> {
    fn new(territories: &[&'a Metadata]) -> Result<Self, Box<dyn Error>> {
        let mut shared = Self { claims: Vec::new(), reachable: HashMap::new() };
        for (country, pattern) in claims(territories) {
            shared.claims.push((country, automaton(&pattern)?));
        }
        Ok(shared)
    }

    /// Adds the prefixes at which a country parts from the main one.
    fn tell_apart(mut self, code: u16, main: &str, table: &mut BTreeMap<u32, &'a str>) -> Result<(), Box<dyn Error>> {
        let anchored = start::Config::new().anchored(regex_automata::Anchored::Yes);
        let mut states = Vec::new();
        for (_, dfa) in &self.claims {
            states.push(dfa.start_state(&anchored)?);
        }
        let mut open = vec![(code.to_string(), states)];
        while let Some((prefix, states)) = open.pop() {
            let countries: Vec<_> = self.reachable(&states).iter().copied().collect();
            match countries.as_slice() {
                [] => {}
                [country] if *country == main => {}
                [country] => {
                    table.insert(prefix.parse()?, country);
                }
                _ if prefix.len() == MAX_PREFIX_DIGITS => return Err(format!("+{prefix} is still shared").into()),
                _ => open.extend(('0'..='9').map(|digit| (format!("{prefix}{digit}"), self.step(&states, digit)))),
            }
        }
        Ok(())
    }

    fn step(&self, states: &[StateID], digit: char) -> Vec<StateID> {
        self.claims.iter().zip(states).map(|((_, dfa), state)| dfa.next_state(*state, digit as u8)).collect()
    }

    /// The countries of all the numbers that can still follow. A number that several claim belongs to the first of them.
    fn reachable(&mut self, states: &[StateID]) -> &BTreeSet<&'a str> {
        if !self.reachable.contains_key(states) {
            let complete = |((country, dfa), state): (&(&'a str, dense::DFA<Vec<u32>>), &StateID)| {
                dfa.is_match_state(dfa.next_eoi_state(*state)).then_some(*country)
            };
            let mut found: BTreeSet<_> = self.claims.iter().zip(states).find_map(complete).into_iter().collect();
            // A state that every digit leads back to has nothing new behind it.
            for digit in '0'..='9' {
                let next = self.step(states, digit);
                if next != states {
                    found.extend(self.reachable(&next).iter());
                }
            }
            self.reachable.insert(states.to_vec(), found);
        }
        self.reachable.entry(states.to_vec()).or_default()
    }
}

/// Who claims which national numbers of a shared calling code, the strongest claim first: the fixed lines of the smaller
/// countries (Moroccan numbers take in those of Western Sahara), all that the main country has, then the leading digits
/// of the others, or their mobiles where the metadata gives none.
fn claims<'a>(territories: &[&'a Metadata]) -> Vec<(&'a str, String)> {
    let pattern = |kinds: &[Option<&Descriptor>]| {
        let patterns = kinds.iter().flatten().map(|kind| format!("(?:{})", kind.national_number().as_str()));
        patterns.collect::<Vec<_>>().join("|")
    };
    let Some((main, others)) = territories.split_first() else {
        return Vec::new();
    };
    let of = main.descriptors();
    let people = [of.fixed_line(), of.mobile(), of.voip(), of.personal_number(), of.pager()];
    let services = [of.toll_free(), of.premium_rate(), of.shared_cost(), of.uan()];
    let fixed = others.iter().filter(|t| t.leading_digits().is_none());
    let fixed = fixed.map(|t| (country(t), pattern(&[t.descriptors().fixed_line()])));
    let all = (country(main), pattern(&[&people[..], &services[..]].concat()));
    let rest = others.iter().map(|t| match t.leading_digits() {
        Some(leading) => (country(t), format!("(?:{})[0-9]*", leading.as_str())),
        None => (country(t), pattern(&[t.descriptors().mobile()])),
    });
    fixed.chain([all]).chain(rest).collect()
}

/// Minimal, so that a state from which nothing can match any more is the dead state, and equal futures are equal states.
fn automaton(pattern: &str) -> Result<dense::DFA<Vec<u32>>, Box<dyn Error>> {
    let automaton = dense::Builder::new()
        .configure(dense::Config::new().start_kind(regex_automata::dfa::StartKind::Anchored).minimize(true))
        .syntax(syntax::Config::new().ignore_whitespace(true).unicode(false).utf8(false))
        .build(&format!("(?:{pattern})$"))?;
    Ok(automaton)
}
