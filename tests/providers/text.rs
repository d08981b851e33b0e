//! One line of text per thing that a callback says: what the fixtures are written in.

use std::fmt::Write as _;

use bluetick::event::{Event, InboundKind, Ms, Person};
use bluetick::provider::{Mapping, Parsed, Provider, Request};

/// 2026-11-21: after every time of the fixtures.
pub const NOW_MS: Ms = 1_795_219_200_000;

/// A callback as the fixtures write it: `GET` as the body means that everything stands in the query.
pub fn parse(provider: Provider, mapping: Option<&Mapping>, query: &str, body: &[u8]) -> Parsed {
    let (method, body): (_, &[u8]) = if body == b"GET" { ("GET", b"") } else { ("POST", body) };
    let url = format!("https://hooks.example/in/main/token?{query}");
    let request = Request { headers: &[], method, url: &url, query, body };
    provider.parse(&request, "main", mapping, NOW_MS)
}

/// Everything in it: the events, then the others, then the odd.
pub fn lines(parsed: &Parsed) -> Vec<String> {
    let events = parsed.events.iter().map(event);
    let others = parsed.others.iter().map(|other| {
        let mut line = format!("other {}", other.name);
        field(&mut line, "id", other.message_id.as_ref());
        person(&mut line, &other.person);
        field(&mut line, "at_ms", other.at_ms.as_ref());
        line
    });
    let odd = parsed.odd.iter().map(|odd| format!("odd {}; {}", odd.pointer, odd.reason));
    events.chain(others).chain(odd).collect()
}

fn event(event: &Event) -> String {
    let mut line = String::new();
    let text = |text: &str| Some(text.to_owned()).filter(|t| !t.is_empty());
    match event {
        Event::Status(status) => {
            assert_eq!(status.channel, "main");
            line = format!("status {}; id={}", format!("{:?}", status.status).to_lowercase(), status.message_id);
            field(&mut line, "participant", text(&status.participant).as_ref());
            person(&mut line, &status.person);
            field(&mut line, "at_ms", status.at_ms.as_ref());
            field(&mut line, "sender", status.sender.as_ref());
            field(&mut line, "ref", status.reference.as_ref());
            field(&mut line, "category", status.category.as_ref());
            field(&mut line, "billable", status.billable.as_ref());
            if let Some(error) = &status.error {
                field(&mut line, "error", Some(&format!("{} {}", error.code, error.title).trim_end()));
            }
        }
        Event::Inbound(inbound) => {
            assert_eq!(inbound.channel, "main");
            let kind = match inbound.inbound {
                InboundKind::Message => "message",
                InboundKind::QuickReply => "quick_reply",
                InboundKind::Reaction { removed: false } => "reaction",
                InboundKind::Reaction { removed: true } => "reaction_removed",
                InboundKind::Other => "other",
            };
            line = format!("inbound {kind}; id={}", made(&inbound.message_id));
            person(&mut line, &inbound.person);
            field(&mut line, "at_ms", inbound.at_ms.as_ref());
            field(&mut line, "sender", inbound.sender.as_ref());
            field(&mut line, "quoted", inbound.quoted.as_ref());
        }
        Event::Click(click) => {
            assert_eq!(click.channel.as_deref(), Some("main"));
            line = format!("click {}", made(&click.click_id));
            field(&mut line, "message", click.message_id.as_ref());
            field(&mut line, "url", click.url.as_ref());
            person(&mut line, &click.person);
            field(&mut line, "at_ms", click.at_ms.as_ref());
            field(&mut line, "machine", click.machine.as_ref());
        }
        Event::OptOut(opt) => {
            assert_eq!(opt.channel, "main");
            line.push_str(if opt.stopped { "opt_out" } else { "opt_in" });
            person(&mut line, &opt.person);
            field(&mut line, "at_ms", opt.at_ms.as_ref());
        }
        Event::Dispatch(_) | Event::Conversion(_) => panic!("no provider says that"),
    }
    line
}

/// The first digits of a made id tell it from any other of the fixtures.
fn made(id: &str) -> &str {
    if id.starts_with("made-") { &id[..8] } else { id }
}

fn person(line: &mut String, person: &Person) {
    field(line, "phone", person.phone.as_ref());
    field(line, "user", person.user_id.as_ref());
}

fn field(line: &mut String, name: &str, value: Option<&impl std::fmt::Display>) {
    if let Some(value) = value {
        write!(line, "; {name}={value}").unwrap();
    }
}
