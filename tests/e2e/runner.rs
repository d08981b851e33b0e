//! The runner itself: it starts, says what is in its way, leaves nothing behind, and keeps the state that it is told to keep.

use std::net::TcpListener;
use std::time::Duration;

use bluetick_dev::scratch::Scratch;
use bluetick_dev::{Http, Options, Server, process, wait};

use crate::client::{Api, expect, server};

#[test]
fn it_answers_and_leaves_nothing_behind() {
    let server = server();
    let (url, state, group) = (server.url(), server.state().to_path_buf(), server.process_group().unwrap());
    expect(&Api::of(&server).get("/healthz"), 200);
    assert!(process::is_alive(group) && temporary(&server) == 1);
    drop(server);
    assert!(wait::until(Duration::from_secs(5), || !process::is_alive(group)), "processes are left");
    assert!(!state.exists(), "the state folder is left");
    assert!(Http::default().send("GET", &format!("{url}/healthz"), &[], &[]).is_err(), "something still answers");
}

/// How many temporary folders the runtime has: they lie in the state folder.
fn temporary(server: &Server) -> usize {
    std::fs::read_dir(server.state().join("runtime-tmp")).unwrap().count()
}

#[test]
fn a_taken_port_is_named_with_a_way_out() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let options = Options { port: Some(port), ..Options::default() };
    let failure = Server::start(options).err().unwrap().to_string();
    assert_eq!(failure, format!("port {port} is taken: stop what listens there, or choose another with --port"));
}

#[test]
fn one_state_folder_has_one_runtime_at_a_time() {
    let state = Scratch::new().unwrap();
    let options = Options { state: Some(state.path().to_path_buf()), ..Options::default() };
    let first = Server::start(options.clone()).unwrap();
    let refused = Server::start(options.clone()).err().unwrap().to_string();
    assert!(refused.contains("is in use by another run"), "{refused}");
    drop(first);
    Server::start(options).unwrap();
}

#[test]
fn a_second_start_finds_the_state_and_the_key() {
    let state = Scratch::new().unwrap();
    let options = Options { state: Some(state.path().to_path_buf()), ..Options::default() };
    let first = Server::start(options.clone()).unwrap();
    let key = first.admin_key().to_owned();
    expect(&Api::of(&first).campaign("kept", serde_json::json!({})), 201);
    drop(first);
    let second = Server::start(options.clone()).unwrap();
    assert_eq!(second.admin_key(), key);
    expect(&Api::of(&second).get("/v1/campaigns/kept"), 200);
}

/// What this release can read it takes over, and says so: then the release before must not write there any more.
#[test]
fn a_state_folder_of_an_older_format_is_taken_or_refused() {
    let state = Scratch::new().unwrap();
    let options = Options { state: Some(state.path().to_path_buf()), ..Options::default() };
    let mark = state.path().join("format");
    let first = Server::start(options.clone()).unwrap();
    expect(&Api::of(&first).campaign("kept", serde_json::json!({})), 201);
    drop(first);
    let newest = std::fs::read_to_string(&mark).unwrap();
    assert_eq!(newest, "3");
    std::fs::write(&mark, "2").unwrap();
    let second = Server::start(options.clone()).unwrap();
    expect(&Api::of(&second).get("/v1/campaigns/kept"), 200);
    drop(second);
    assert_eq!(std::fs::read_to_string(&mark).unwrap(), newest);
    for other in ["1", "4", ""] {
        std::fs::write(&mark, other).unwrap();
        let refused = Server::start(options.clone()).err().unwrap().to_string();
        assert!(refused.contains("is of another release") && refused.lines().count() == 1, "{refused}");
        assert_eq!(std::fs::read_to_string(&mark).unwrap(), other);
    }
}

#[test]
fn a_killed_runtime_starts_again_on_the_same_port_and_state() {
    let mut server = server();
    let (url, group) = (server.url(), server.process_group().unwrap());
    expect(&Api::of(&server).campaign("kept", serde_json::json!({})), 201);
    server.kill();
    assert!(wait::until(Duration::from_secs(5), || !process::is_alive(group)), "processes are left");
    server.restart().unwrap();
    assert_eq!(server.url(), url);
    assert_eq!(temporary(&server), 1, "what the killed one left is still there");
    expect(&Api::of(&server).get("/v1/campaigns/kept"), 200);
}
