//! `cargo run`: the worker on this machine, until Ctrl-C.

use std::path::PathBuf;
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::failure::{Doing as _, Failure, Result};
use crate::project;
use crate::server::{Options, Server};

/// Where the local run listens if nobody says otherwise.
pub const PORT: u16 = 8787;

/// The state folder of the local run if nobody says otherwise.
#[must_use]
pub fn default_state() -> PathBuf {
    project::kept().join("state")
}

/// Serves until a signal asks for the end, then stops everything.
pub fn serve(options: Options) -> Result<()> {
    let mut server = Server::start(options)?;
    // Until here a signal ends this process in the ordinary way, and the runtime after it.
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).doing("listen for Ctrl-C")?;
    println!("{}", welcome(&server));
    loop {
        if signals.pending().next().is_some() {
            println!("stopping …");
            return Ok(());
        }
        if server.has_ended() {
            return Err(Failure::new("the runtime ended by itself", "read its log above, then run this again"));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn welcome(server: &Server) -> String {
    let (url, key) = (server.url(), server.admin_key());
    let state = server.state().display();
    format!(
        r#"
bluetick runs at {url}   (state in {state}; Ctrl-C stops it)
admin key: {key}

Open {url}/ in a browser and enter the key, or try:
  curl {url}/healthz
  curl -X PUT {url}/v1/campaigns/spring -H 'Authorization: Bearer {key}' \
    -H 'Content-Type: application/json' -d '{{"name": "Spring", "type": "broadcast", "message_type": "template"}}'
  curl '{url}/v1/campaigns/spring/stats?max_age=0' -H 'Authorization: Bearer {key}'
A whole campaign of 200 contacts, in another terminal:
  cargo run -- demo
"#
    )
}
