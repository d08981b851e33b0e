//! `cargo run -- deploy-check`: what `wrangler deploy` would do with this checkout, up to the point where it needs an account.

use crate::build::{self, Flavour};
use crate::failure::Result;
use crate::project;
use crate::scratch::Scratch;
use crate::step::step;
use crate::tools::Tools;

/// Fails, with wrangler's words, if `wrangler.toml` and the built worker could not be deployed.
pub fn deploy_check() -> Result<()> {
    let tools = Tools::ensure()?;
    build::ensure(&tools, Flavour::Shipped)?;
    let bundle = Scratch::new()?;
    step("wrangler deploy --dry-run", |step| {
        let mut wrangler = tools.wrangler();
        wrangler
            .args(["deploy", "--dry-run", "--outdir"])
            .arg(bundle.path())
            .current_dir(project::root())
            .env("WRANGLER_LOG_PATH", bundle.path())
            // Nobody's account: the check must hold for everybody.
            .env_remove("CLOUDFLARE_API_TOKEN")
            .env_remove("CLOUDFLARE_ACCOUNT_ID")
            // Questions are answered with their defaults.
            .env("CI", "true");
        step.run(&mut wrangler, "read wrangler's words above and mend wrangler.toml")
    })
}
