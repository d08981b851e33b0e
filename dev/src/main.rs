//! The command line of the local runner.

use std::path::PathBuf;
use std::process::ExitCode;

use bluetick_dev::build::{self, Flavour};
use bluetick_dev::mint;
use bluetick_dev::tools::Tools;
use bluetick_dev::{Failure, Options, Result, bench, demo, deploy_check, secrets, serve};

const HELP: &str = "\
bluetick, on this machine

  cargo run [-- FLAGS]    set up what is missing, build page and worker, serve them until Ctrl-C
  cargo run -- demo       play a campaign of 200 contacts against a running server, and print its numbers
  cargo run --release -- bench   measure beside the plainest workers that do the same, and compare with the goals
  cargo run -- wrap       make a tracking URL offline, with a minting key: the example of docs/tokens.md
  cargo run -- build      set up what is missing and build page and worker, as they ship
  cargo run -- deploy-check      what `wrangler deploy` would do, as far as it goes without an account

      --port PORT         listen there (8787)
      --state DIR         keep the state in that folder (.bluetick/state)
      --admin-key KEY     use this admin key (one is made for the state folder, and kept)
      --release           run the worker as it ships (it builds slower and runs faster)
      --url URL           demo: the server (http://127.0.0.1:8787, with the admin key of the state folder)
      --only NAME         bench: providers, core, statuses, batches, redirects or reads alone
      --messages N        bench: so many messages in the end for the reads (1000000; a multiple of 10000)
      --key KEY           wrap: what POST /v1/minting_keys answered (btm_…)
      --to URL            wrap: where the link leads
      --link LINK         wrap: the declared link that its clicks count for (l7)
      --contact CONTACT   wrap: the phone number or user id that it is for
      --append-click-id   wrap: the target gets the click id
      --pass-query        wrap: the target gets the query of the tap
      --help              this text
";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("bluetick: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// What the command line asked for.
#[derive(Default)]
struct Arguments {
    command: Option<String>,
    port: Option<u16>,
    state: Option<PathBuf>,
    admin_key: Option<String>,
    url: Option<String>,
    only: Option<String>,
    messages: Option<u64>,
    release: bool,
    key: Option<String>,
    to: Option<String>,
    link: Option<String>,
    contact: Option<String>,
    append_click_id: bool,
    pass_query: bool,
    help: bool,
}

impl Arguments {
    fn parse() -> std::result::Result<Self, lexopt::Error> {
        use lexopt::{Arg, ValueExt as _};
        let mut arguments = Self::default();
        let mut parser = lexopt::Parser::from_env();
        while let Some(argument) = parser.next()? {
            match argument {
                Arg::Long("port") => arguments.port = Some(parser.value()?.parse()?),
                Arg::Long("state") => arguments.state = Some(parser.value()?.into()),
                Arg::Long("admin-key") => arguments.admin_key = Some(parser.value()?.string()?),
                Arg::Long("url") => arguments.url = Some(parser.value()?.string()?),
                Arg::Long("only") => arguments.only = Some(parser.value()?.string()?),
                Arg::Long("messages") => arguments.messages = Some(parser.value()?.parse()?),
                Arg::Long("key") => arguments.key = Some(parser.value()?.string()?),
                Arg::Long("to") => arguments.to = Some(parser.value()?.string()?),
                Arg::Long("link") => arguments.link = Some(parser.value()?.string()?),
                Arg::Long("contact") => arguments.contact = Some(parser.value()?.string()?),
                Arg::Long("append-click-id") => arguments.append_click_id = true,
                Arg::Long("pass-query") => arguments.pass_query = true,
                Arg::Long("release") => arguments.release = true,
                Arg::Long("help") | Arg::Short('h') => arguments.help = true,
                Arg::Value(value) if arguments.command.is_none() => arguments.command = Some(value.string()?),
                other => return Err(other.unexpected()),
            }
        }
        Ok(arguments)
    }
}

fn run() -> Result<()> {
    let arguments = Arguments::parse().map_err(|error| Failure::new(error, "see cargo run -- --help"))?;
    if arguments.help {
        print!("{HELP}");
        return Ok(());
    }
    if arguments.command.as_deref() == Some("wrap") {
        return wrap(&arguments);
    }
    let state = arguments.state.unwrap_or_else(serve::default_state);
    match arguments.command.as_deref().unwrap_or("serve") {
        "serve" => serve::serve(Options {
            port: Some(arguments.port.unwrap_or(serve::PORT)),
            state: Some(state),
            admin_key: arguments.admin_key,
            release: arguments.release,
            loud: true,
            ..Options::default()
        }),
        "demo" => {
            let url = arguments.url.unwrap_or_else(|| format!("http://127.0.0.1:{}", arguments.port.unwrap_or(serve::PORT)));
            let key = arguments.admin_key.or_else(|| secrets::kept_admin_key(&state));
            let key = key.ok_or_else(|| Failure::new("no admin key", "give the server's with --admin-key"))?;
            demo::demo(&url, &key)
        }
        "bench" => bench::bench(arguments.only.as_deref(), arguments.messages.unwrap_or(bench::reads::MESSAGES)),
        "deploy-check" => deploy_check::deploy_check(),
        "build" => build::ensure(&Tools::ensure()?, Flavour::Shipped).map(drop),
        other => Err(Failure::new(format!("there is no command {other:?}"), "see cargo run -- --help")),
    }
}

fn wrap(arguments: &Arguments) -> Result<()> {
    let missing = |what: &str| Failure::new(format!("no {what}"), "see cargo run -- --help");
    let key = mint::Key::read(arguments.key.as_deref().ok_or_else(|| missing("--key"))?)?;
    let link = match arguments.link.as_deref().map(|id| id.strip_prefix('l').unwrap_or(id).parse()) {
        None => 0,
        Some(Ok(number)) => number,
        Some(Err(_)) => return Err(Failure::new("this is no link", "give the id that POST /v1/links answered, such as l7")),
    };
    let content = mint::Content {
        link,
        contact: arguments.contact.as_deref().unwrap_or_default(),
        append_click_id: arguments.append_click_id,
        pass_query: arguments.pass_query,
        url: arguments.to.as_deref().ok_or_else(|| missing("--to"))?,
        ..mint::Content::default()
    };
    let origin = arguments.url.as_deref().unwrap_or("http://127.0.0.1:8787");
    println!("{}/c/{}", origin.trim_end_matches('/'), key.mint(&content)?);
    Ok(())
}
