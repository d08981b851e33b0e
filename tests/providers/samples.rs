//! Samples from elsewhere, if `BLUETICK_PROVIDER_SAMPLES` names a folder of them with a `README.md` that states what each means.
//!
//! Every file there is parsed without a panic. A row that states canonical events must be met, but for [`DIFFERENT`].

use std::collections::BTreeMap;
use std::path::Path;

use bluetick::event::{Event, InboundKind, Person};
use bluetick::provider::{Parsed, Provider};

use super::mappings::example;
use super::text::{lines, parse};

/// Rows that are read otherwise here: the file, how what is said instead begins, and why.
const DIFFERENT: &[(&str, &str, &str)] = &[
    ("field_user_preferences_resume_meta_docs.json", "opt_in; ", "the table knows no opt-outs; they are events here"),
    (
        "whatsapp-marketing-update-notification-stop-notification.json",
        "opt_out; ",
        "the table knows no opt-outs; they are events here",
    ),
    ("v2_user_event_opted_in.json", "opt_in; ", "the table knows no opt-outs; they are events here"),
];

#[test]
fn every_sample_means_what_its_readme_states() {
    let Ok(folder) = std::env::var("BLUETICK_PROVIDER_SAMPLES") else {
        return;
    };
    let folder = Path::new(&folder);
    let readme = std::fs::read_to_string(folder.join("README.md")).unwrap();
    let mut wrong = String::new();
    let mut met = 0;
    let mut unsettled = 0;
    for row in readme.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| provider |")) {
        let cells: Vec<String> =
            row.trim_matches('|').replace("\\|", "\u{1}").split('|').map(|c| c.trim().replace('\u{1}', "|")).collect();
        let [provider, file, _, _, states] = &cells[..] else { panic!("{row}") };
        let body = std::fs::read(folder.join(provider).join(file)).unwrap();
        let body = body.strip_suffix(b"\n").unwrap_or(&body);
        let (provider, mapping) = match Provider::from_id(provider) {
            Some(provider) => (provider, None),
            None => (Provider::Custom, mapping_of(provider)),
        };
        let parsed = parse(provider, mapping.as_ref(), "", body);
        if let Some((_, instead, _)) = DIFFERENT.iter().find(|(name, ..)| name == file) {
            let said = lines(&parsed);
            assert!(said.len() == 1 && said[0].starts_with(instead), "{file}: {said:?}");
            met += 1;
            continue;
        }
        match check(states, &parsed) {
            Some(true) => met += 1,
            Some(false) => wrong += &format!("{file}\n  states {states}\n  we say {:?}\n", lines(&parsed)),
            None => {
                println!("{file}\n  states {states}\n  we say {:?}", lines(&parsed));
                unsettled += 1;
            }
        }
    }
    println!("{met} rows met, {unsettled} rows state nothing that is settled");
    assert!(wrong.is_empty(), "{wrong}");
    assert!(met > 100);
}

fn mapping_of(folder: &str) -> Option<bluetick::provider::Mapping> {
    match folder {
        "messagebird-bird" => Some(example("bird")),
        "aisensy" | "doubletick" | "gallabox" | "kaleyra" => Some(example(folder)),
        _ => None,
    }
}

/// Whether what a row states is met; `None` if it states nothing that can be compared.
fn check(states: &str, parsed: &Parsed) -> Option<bool> {
    if states.starts_with("unsure") || states.starts_with('—') || states.starts_with("no event") || states.starts_with("not JSON")
    {
        return None;
    }
    if states == "none" {
        return Some(parsed.events.is_empty() && parsed.odd.is_empty());
    }
    let mut parts = states.split("; ").map(|part| part.split(" (").next().unwrap().trim());
    let kind = parts.next().unwrap();
    let mut stated: BTreeMap<&str, &str> = BTreeMap::new();
    let mut unsure = Vec::new();
    for part in parts {
        match part.split_once('=') {
            Some((key, value)) => drop(stated.insert(key, value)),
            None => unsure.extend(["id", "contact", "time"].into_iter().filter(|word| part.contains(word))),
        }
    }
    let said = said(parsed)?;
    let same = |key: &str, value: Option<&str>| {
        unsure.contains(&if key == "at_ms" { "time" } else { key }) || stated.get(key).copied() == value
    };
    let (phone, user) = (said.person.phone.as_deref(), said.person.user_id.as_deref());
    let contact = if stated.get("contact").copied() == user { user } else { phone };
    // An inbound message keeps no reference and no category, and what is merely counted keeps no more than who and when.
    let reference = !kind.starts_with("status") || same("ref", said.reference) && same("category", said.category);
    let made = said.id.starts_with("made-") && !stated.contains_key("id");
    Some(
        said.kind == kind
            && (made || same("id", Some(said.id)))
            && same("contact", contact)
            && same("at_ms", said.at_ms.map(|at| at.to_string()).as_deref())
            && same("error", said.error)
            && (said.counted || same("context", said.quoted))
            && reference,
    )
}

#[derive(Default)]
struct Said<'a> {
    kind: String,
    id: &'a str,
    person: Person,
    at_ms: Option<i64>,
    error: Option<&'a str>,
    quoted: Option<&'a str>,
    reference: Option<&'a str>,
    category: Option<&'a str>,
    counted: bool,
}

/// The one thing that a sample says.
fn said(parsed: &Parsed) -> Option<Said<'_>> {
    match (&parsed.events[..], &parsed.others[..], parsed.odd.is_empty()) {
        ([Event::Status(status)], [], true) => Some(Said {
            kind: format!("status {}", format!("{:?}", status.status).to_lowercase()),
            id: &status.message_id,
            person: status.person.clone(),
            at_ms: status.at_ms,
            error: status.error.as_ref().map(|e| e.code.as_str()),
            reference: status.reference.as_deref(),
            category: status.category.as_deref(),
            ..Said::default()
        }),
        ([Event::Inbound(inbound)], [], true) => Some(Said {
            kind: match inbound.inbound {
                InboundKind::Message => "reply",
                InboundKind::QuickReply => "quick_reply",
                InboundKind::Reaction { .. } => "reaction",
                InboundKind::Other => "other",
            }
            .to_owned(),
            id: &inbound.message_id,
            person: inbound.person.clone(),
            at_ms: inbound.at_ms,
            quoted: inbound.quoted.as_deref(),
            ..Said::default()
        }),
        ([], [other], true) => Some(Said {
            kind: "other".to_owned(),
            id: other.message_id.as_deref().unwrap_or_default(),
            person: other.person.clone(),
            at_ms: other.at_ms,
            counted: true,
            ..Said::default()
        }),
        _ => Some(Said { kind: "something else".to_owned(), ..Said::default() }),
    }
}
