//! Builds the dashboard's page, `web/`, into the folder that `wrangler.toml` serves, unless what is there was built from the same
//! sources, and puts the API's description beside it.

use crate::failure::{Doing as _, Result};
use crate::step::step;
use crate::tools::Tools;
use crate::{fingerprint, lock, npm, openapi, project};

/// Makes sure that the page of these sources is built. Callers at once build once.
pub fn ensure(tools: &Tools) -> Result<()> {
    let web = project::root().join("web");
    let mark = project::kept().join("page-built-from");
    lock::alone(&project::kept().join("page.lock"), || {
        let sources = fingerprint::of(&web, &["src"])?;
        let served = web.join("dist");
        if served.join("_headers").exists() && std::fs::read_to_string(&mark).is_ok_and(|mark| mark == sources) {
            return openapi::write(&served);
        }
        let _ = std::fs::remove_file(&mark);
        npm::linked_packages(&web, "what the page is built with")?;
        step("building the page", |step| {
            let remedy = "read the lines above, mend the source, run this again";
            step.run(tools.node(&web.join("node_modules/typescript/bin/tsc")).current_dir(&web), remedy)?;
            step.run(tools.node(&web.join("build.mjs")).current_dir(&web), remedy)
        })?;
        openapi::write(&served)?;
        std::fs::write(&mark, sources).doing(format!("write {}", mark.display()))
    })
}
