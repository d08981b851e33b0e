//! The description of the HTTP API, as the worker serves it: `openapi.yaml` made JSON when the crate is built.

/// OpenAPI 3.1.
pub const JSON: &str = include_str!(concat!(env!("OUT_DIR"), "/openapi.json"));

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route::Route;
    use serde_json::Value;
    use std::collections::BTreeSet;

    fn api() -> Value {
        serde_json::from_str(JSON).unwrap()
    }

    /// Every path and method of it is a route's.
    #[test]
    fn it_describes_the_routes() {
        for (path, item) in api()["paths"].as_object().unwrap() {
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
        let api = api();
        for (path, item) in api["paths"].as_object().unwrap() {
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
}
