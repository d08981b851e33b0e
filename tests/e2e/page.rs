//! The dashboard: that it is served, and with which policy; and the tests that a real browser makes of it, `web/test/page.test.ts`.
//!
//! Here the server is started, the demo is played, and the browser's tests are run and believed.

use bluetick_dev::tools::Tools;
use bluetick_dev::{Http, demo, npm, project};
use serde_json::json;

use crate::client::{Api, server};

#[test]
fn the_page_is_served_with_a_strict_policy_and_hides_no_route() {
    let server = server();
    let get = |path: &str| Http::default().send("GET", &format!("{}{path}", server.url()), &[], &[]).unwrap();
    let page = get("/");
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    let policy = page.header("content-security-policy").unwrap();
    for rule in ["default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"] {
        assert!(policy.split("; ").any(|found| found == rule), "{rule} in {policy}");
    }
    assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
    assert_eq!((page.header("x-content-type-options"), page.header("referrer-policy")), (Some("nosniff"), Some("no-referrer")));
    let text = page.text();
    let script = text.split("src=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let script = get(script);
    assert_eq!(script.header("cache-control"), Some("public, max-age=31536000, immutable"));
    assert_eq!(script.header("content-security-policy"), Some(policy));
    // Everything else is the worker's, what is not there included.
    for (path, status) in [("/healthz", 200), ("/openapi.json", 200), ("/metrics", 401), ("/v1/campaigns", 401)] {
        assert_eq!(get(path).status, status, "{path}");
    }
    for path in ["/v1", "/c/x", "/cb/x/y", "/assets/x.js", "/index.js", "/_headers"] {
        let answer = get(path);
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(answer.header("content-security-policy"), None, "{path} is no file");
    }
}

#[test]
fn everything_on_the_page_holds_in_a_real_browser() {
    let tools = Tools::ensure().unwrap();
    let tests = project::root().join("web/test");
    npm::linked_packages(&tests, "a browser, and what drives it").unwrap();
    let server = server();
    let tsc = project::root().join("web/node_modules/typescript/bin/tsc");
    let types = tools.node(&tsc).arg("-p").arg(&tests).status().unwrap();
    assert!(types.success(), "the tests' types do not hold");
    let played = demo::play(&Api::of(&server).0).unwrap();
    // To be looked at.
    let shots = project::root().join("target/page");
    std::fs::create_dir_all(&shots).unwrap();
    let world = json!({ "url": server.url(), "key": server.admin_key(), "campaign": played.campaign, "shots": shots });
    let mut browser = tools.node(&tests.join("page.test.ts"));
    browser.env("BLUETICK_WORLD", world.to_string()).env("NODE_NO_WARNINGS", "1").current_dir(&tests);
    let output = browser.output().unwrap();
    let said = [output.stdout, output.stderr].map(|pipe| String::from_utf8_lossy(&pipe).into_owned()).concat();
    assert!(output.status.success(), "{said}");
    // A run that finds no test would be well, too.
    assert!(said.contains("nothing went wrong on the way"), "{said}");
}
