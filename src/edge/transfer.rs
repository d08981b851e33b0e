//! Export and import of the whole workspace: every object is asked page by page, every line goes to the object that it belongs to.

use std::rc::Rc;

use futures_util::future::join_all;
use serde_json::json;

use super::config::Config;
use super::definitions::ask;
use super::http::Stream;
use super::objects::call;
use super::{Answer, Asked, http, identity, ledgers};
use crate::bounds::{BODY_LINES, LEDGER_CALL_MS};
use crate::json;
use crate::ledger::{Read, Write};
use crate::lines::{self, Rejected};
use crate::problem::{FieldError, Problem};
use crate::transfer::{FIRST, Page, Place, Rows, fingerprint, sort};
use crate::{identity as core, order, registry};

/// `GET /v1/export`
pub fn export(config: &Rc<Config>, asked: &Asked<'_>) -> Answer {
    let (answer, stream) = http::stream(&[("content-type", "application/x-ndjson"), ("cache-control", "no-store")])?;
    let config = Rc::clone(config);
    asked.context.wait_until(async move {
        // Cut off, it has no last line.
        match tell(&config, &stream).await {
            Some(()) => stream.end().await,
            None => stream.fail().await,
        }
    });
    Ok(answer)
}

async fn tell(config: &Config, stream: &Stream) -> Option<()> {
    let head = json!({ "workspace": { "version": 1, "keys": fingerprint(&config.partition) } });
    write(stream, &format!("{head}\n")).await?;
    let mut place = Some(start());
    while let Some(from) = place {
        let (_, page) = ask::<Page>(config, &registry::Command::Export { place: from }).await.ok()?;
        write(stream, &page.lines).await?;
        place = page.next;
    }
    for object in 0..config.partition.ledgers {
        let mut place = Some(start());
        while let Some(from) = place {
            let read = serde_json::to_string(&Read::Export { ledger: object, place: from }).ok()?;
            let page: Page = json::read(&ledgers::read(config, object, &read).await.ok()?).ok()?;
            write(stream, &page.lines).await?;
            place = page.next;
        }
        let mut place = Some(start());
        while let Some(from) = place {
            let page: Page = identity::ask(config, object, &core::Command::Export { place: from }).await.ok()?;
            write(stream, &page.lines).await?;
            place = page.next;
        }
    }
    // Whoever finds it has the whole.
    write(stream, &format!("{head}\n")).await
}

fn start() -> Place {
    (0, FIRST.to_owned())
}

async fn write(stream: &Stream, text: &str) -> Option<()> {
    (text.is_empty() || stream.write(text).await).then_some(())
}

/// `POST /v1/import`
pub async fn import(config: &Config, asked: &Asked<'_>) -> Answer {
    let sent = lines::lines(&http::body(asked.request).await?, "application/x-ndjson", "lines")?;
    let sorted = sort(&config.partition, sent)?;
    let bad = |index: usize, error: FieldError| Rejected { index, errors: vec![error] };
    let mut rejected: Vec<Rejected> = sorted.rejected.into_iter().map(|(index, error)| bad(index, error)).collect();
    let mut accepted = sorted.heads;
    // First what the others are read with.
    if !sorted.registry.is_empty() {
        let all = sorted.registry.values().map(Vec::len).sum::<usize>();
        let command = registry::Command::Import { rows: sorted.registry };
        let (_, refused) = ask::<Vec<usize>>(config, &command).await?;
        accepted += all - refused.len();
        let other =
            || FieldError { pointer: String::new(), detail: "is another definition than the one that is here".to_owned() };
        rejected.extend(refused.into_iter().map(|index| bad(index, other())));
    }
    let to_ledgers = sorted.ledgers.into_iter().map(async |(ledger, rows)| restore(config, ledger, rows).await);
    for taken in join_all(to_ledgers).await {
        accepted += taken?;
    }
    let to_identities = sorted.identities.into_iter().map(async |(object, rows)| {
        let lines = rows.values().map(Vec::len).sum::<usize>();
        identity::ask::<()>(config, object, &core::Command::Import { rows }).await.map(|()| lines)
    });
    for taken in join_all(to_identities).await {
        accepted += taken?;
    }
    order::sort(&mut rejected, |a, b| a.index.cmp(&b.index));
    debug_assert!(accepted + rejected.len() <= BODY_LINES);
    Ok(http::json(200, &lines::answer(accepted, &rejected).to_string())?)
}

async fn restore(config: &Config, ledger: u32, rows: Rows) -> Result<usize, Problem> {
    let lines = rows.values().map(Vec::len).sum();
    let body = serde_json::to_string(&Write::Restore { ledger, rows }).map_err(|_| ledgers::unanswered())?;
    let answer = call(&config.ledger, &ledger.to_string(), "write", &body, LEDGER_CALL_MS).await;
    matches!(answer, Ok((200, _))).then_some(lines).ok_or_else(ledgers::unanswered)
}
