//! The description of the HTTP API, held against the routes. (That real answers are as it says is tested end to end.)

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::collections::BTreeSet;

use bluetick::route::Route;
use serde_json::{Map, Value};

/// What it says of each path that reaches the worker: itself is a file beside it.
fn paths() -> Map<String, Value> {
    let mut api = bluetick_dev::openapi::read().unwrap();
    let mut paths = api["paths"].as_object_mut().map(std::mem::take).unwrap();
    assert!(paths.remove("/openapi.json").is_some());
    paths
}

/// Every path and method of it is a route's.
#[test]
fn it_describes_the_routes() {
    for (path, item) in paths() {
        let asked = path.replace(['{', '}'], "");
        let route = Route::of(&asked).unwrap_or_else(|| panic!("no route for {path}"));
        let methods: BTreeSet<String> =
            item.as_object().unwrap().keys().filter(|key| *key != "parameters").map(|key| key.to_uppercase()).collect();
        let has: BTreeSet<String> = route.methods().split(", ").map(str::to_owned).collect();
        assert_eq!(methods, has, "{path}");
    }
}

/// Every parameter of a route's GET is in it, and no other.
#[test]
fn it_describes_the_parameters() {
    for (path, item) in paths() {
        let asked = path.replace(['{', '}'], "");
        let route = Route::of(&asked).unwrap();
        if !path.starts_with("/v1/") || item.get("get").is_none() {
            continue;
        }
        let parameters = item["get"]["parameters"].as_array().cloned().unwrap_or_default();
        let names: BTreeSet<String> = parameters
            .iter()
            .filter(|parameter| parameter["in"] != "header")
            .map(|parameter| {
                let name = parameter["$ref"].as_str().and_then(|at| at.rsplit('/').next());
                name.or(parameter["name"].as_str()).unwrap().to_owned()
            })
            .collect();
        assert_eq!(names, route.parameters().iter().map(|name| (*name).to_owned()).collect(), "{path}");
    }
}
